//! The transport, watched: what comes before a session, and the end of the client.

use rmcp::RoleServer;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio_util::sync::CancellationToken;

/// A transport that tells when the client is gone.
pub(super) struct Door<T> {
    transport: T,
    client_gone: CancellationToken,
    opened: bool,
}

impl<T> Door<T> {
    pub(super) fn new(transport: T, client_gone: CancellationToken) -> Door<T> {
        Door { transport, client_gone, opened: false }
    }
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Door<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), T::Error>> + Send + 'static {
        let (sending, client_gone) = (self.transport.send(message), self.client_gone.clone());
        // SECURITY: nor for one that no longer listens.
        async move { sending.await.inspect_err(|_| client_gone.cancel()) }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(message) = self.transport.receive().await else {
                // SECURITY: nothing goes on running for a client that is no longer there.
                self.client_gone.cancel();
                return None;
            };
            self.opened |= matches!(message, RxJsonRpcMessage::<RoleServer>::Request(_));
            // A session begins with a request; the SDK would end over a notification or an answer before it.
            if self.opened {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), T::Error> {
        self.transport.close().await
    }
}
