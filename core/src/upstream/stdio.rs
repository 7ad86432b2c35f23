//! JSON-RPC over a pair of byte streams, one message a line.
//!
//! Owns the framing and its caps; what a line means is the inlet's. A line that is too long is dropped while it is read, and
//! fails the one call that it answers. Cancelling `ended` is how everybody learns that the peer is gone.

use std::io;
use std::sync::Arc;

use futures_util::StreamExt;
use rmcp::RoleClient;
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{Duration, timeout};
use tokio_util::bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, FramedRead};
use tokio_util::sync::CancellationToken;

use super::wire::{self, IdFinder, Inlet};

/// How much of one line is dropped before its writer is given up.
const MAX_DISCARDED: usize = 1 << 30;
/// Answers to the peer's requests that wait to be written; further ones are dropped.
const MAX_REPLIES: usize = 64;
/// A read buffer that grew beyond this for a large line is given back.
const KEPT_BUFFER: usize = 64 << 10;

/// rmcp's transport over `reader` and `writer`.
pub(super) struct LineTransport<R, W> {
    reader: FramedRead<R, Lines>,
    writer: Arc<Mutex<Option<W>>>,
    replies: Arc<Semaphore>,
    inlet: Arc<Inlet>,
    ended: CancellationToken,
    write_timeout: Duration,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> LineTransport<R, W> {
    /// A transport that takes messages of `max_bytes`. A write that makes no progress for `write_timeout` ends it.
    pub(super) fn new(
        (reader, writer): (R, W),
        inlet: Arc<Inlet>,
        ended: CancellationToken,
        max_bytes: usize,
        write_timeout: Duration,
    ) -> LineTransport<R, W> {
        LineTransport {
            reader: FramedRead::new(reader, Lines::new(max_bytes, MAX_DISCARDED)),
            writer: Arc::new(Mutex::new(Some(writer))),
            replies: Arc::new(Semaphore::new(MAX_REPLIES)),
            inlet,
            ended,
            write_timeout,
        }
    }
}

impl<R, W> Transport<RoleClient> for LineTransport<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Error = io::Error;

    fn send(&mut self, message: ClientJsonRpcMessage) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let is_reply = matches!(message, ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_));
        let permit = is_reply.then(|| self.replies.clone().try_acquire_owned());
        let line = serde_json::to_vec(&message).map_err(io::Error::from);
        let (writer, ended, write_timeout) = (self.writer.clone(), self.ended.clone(), self.write_timeout);
        async move {
            // SECURITY: a peer that asks and never reads would fill memory with answers.
            let Ok(_permit) = permit.transpose() else { return Ok(()) };
            let mut line = line?;
            line.push(b'\n');
            let mut writer = writer.lock().await;
            let writer = writer.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            let written = timeout(write_timeout, async {
                writer.write_all(&line).await?;
                writer.flush().await
            });
            // SECURITY: half a line has been written, or nobody reads: every later message would be lost or pile up.
            let written = written.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            written.inspect_err(|_| ended.cancel())
        }
    }

    async fn receive(&mut self) -> Option<ServerJsonRpcMessage> {
        loop {
            match self.reader.next().await {
                Some(Ok(Frame::Line(line))) => {
                    if let Some(message) = self.inlet.admit(&line) {
                        return Some(message);
                    }
                }
                Some(Ok(Frame::TooLarge(Some(id)))) => return Some(wire::too_large(id)),
                Some(Ok(Frame::TooLarge(None))) => {}
                Some(Err(_)) | None => {
                    self.ended.cancel();
                    return None;
                }
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.ended.cancel();
        // A write that is stuck holds the lock; the pipe closes with the child then.
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.take();
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq)]
enum Frame {
    Line(BytesMut),
    TooLarge(Option<RequestId>),
}

struct Lines {
    max_bytes: usize,
    max_discarded: usize,
    /// How far the buffer has been searched for the line's end.
    searched: usize,
    /// A line that is being dropped, and how much of it has been.
    oversized: Option<(IdFinder, usize)>,
}

impl Lines {
    fn new(max_bytes: usize, max_discarded: usize) -> Lines {
        Lines { max_bytes, max_discarded, searched: 0, oversized: None }
    }
}

impl Decoder for Lines {
    type Item = Frame;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Frame>> {
        let unsearched = source.get(self.searched..).unwrap_or_default();
        let newline = unsearched.iter().position(|byte| *byte == b'\n').map(|at| at + self.searched);
        let length = newline.unwrap_or(source.len());
        if let Some((finder, discarded)) = &mut self.oversized {
            finder.push(source.get(..length).unwrap_or_default());
            *discarded += length;
            // SECURITY: an endless line costs a buffer of fixed size, and not forever.
            if *discarded > self.max_discarded {
                return Err(io::ErrorKind::InvalidData.into());
            }
            source.advance(if newline.is_some() { length + 1 } else { length });
            self.searched = 0;
            return Ok(newline.and_then(|_| self.oversized.take()).map(|(finder, _)| Frame::TooLarge(finder.id())));
        }
        // SECURITY: no more than this is ever buffered of a line.
        if length > self.max_bytes {
            self.oversized = Some((IdFinder::default(), 0));
            self.searched = 0;
            return self.decode(source);
        }
        if newline.is_none() {
            self.searched = length;
            return Ok(None);
        }
        self.searched = 0;
        let line = source.split_to(length);
        source.advance(1);
        if source.is_empty() && length > KEPT_BUFFER {
            *source = BytesMut::new();
        }
        Ok(Some(Frame::Line(line)))
    }

    fn decode_eof(&mut self, source: &mut BytesMut) -> io::Result<Option<Frame>> {
        let frame = self.decode(source)?;
        if frame.is_none() {
            // Half a line is no message.
            source.clear();
        }
        Ok(frame)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use futures_util::future::BoxFuture;
    use rmcp::model::{ClientRequest, ClientResult, EmptyObject, PingRequest};
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    fn lines(max_bytes: usize, input: &[u8], chunk: usize) -> Vec<Frame> {
        let mut lines = Lines::new(max_bytes, MAX_DISCARDED);
        let mut source = BytesMut::new();
        let mut frames = Vec::new();
        for piece in input.chunks(chunk) {
            source.extend_from_slice(piece);
            while let Some(frame) = lines.decode(&mut source).unwrap() {
                frames.push(frame);
            }
            assert!(source.len() <= max_bytes + chunk, "{} bytes are kept", source.len());
        }
        while let Some(frame) = lines.decode_eof(&mut source).unwrap() {
            frames.push(frame);
        }
        frames
    }

    #[test]
    fn u20_a_long_line_is_dropped_and_its_id_found() {
        let filler = "x".repeat(500);
        for line in [
            format!(r#"{{"jsonrpc":"2.0","id":7,"result":{{"id":9,"a":"{filler}"}}}}"#),
            format!(r#"{{"result":{{"id":9,"content":[{{"id":8}},"{filler}","\"id\":1"]}},"jsonrpc":"2.0","id": 7 }}"#),
            format!(r#"{{"result":"{filler}\\","id":7,"x":"id"}}"#),
        ] {
            let input = format!("short\n{line}\nafter\nhalf");
            for chunk in [1, 7, 64, 10_000] {
                let expected = [
                    Frame::Line(BytesMut::from("short")),
                    Frame::TooLarge(Some(RequestId::Number(7))),
                    Frame::Line(BytesMut::from("after")),
                ];
                assert_eq!(lines(100, input.as_bytes(), chunk), expected, "{line} {chunk}");
            }
        }
        for (line, id) in [
            (format!(r#"{{"id":"7","x":"{filler}"}}"#), Some(7)),
            (format!(r#"{{"id":7.5,"x":"{filler}"}}"#), None),
            (format!(r#"[{{"id":7}},"{filler}"]"#), None),
            (filler.clone(), None),
        ] {
            let frames = lines(100, format!("{line}\n").as_bytes(), 64);
            assert_eq!(frames, [Frame::TooLarge(id.map(RequestId::Number))], "{line}");
        }
    }

    /// A transport whose peer reads nothing, and what tells of its end.
    fn unread() -> (LineTransport<DuplexStream, DuplexStream>, [DuplexStream; 2], CancellationToken) {
        let ((reader, peer_writer), (writer, peer_reader)) = (duplex(8), duplex(8));
        let inlet = Arc::new(Inlet::new(Arc::default()));
        let ended = CancellationToken::new();
        let transport = LineTransport::new((reader, writer), inlet, ended.clone(), 1_000, Duration::from_secs(5));
        (transport, [peer_writer, peer_reader], ended)
    }

    fn answer(
        transport: &mut LineTransport<DuplexStream, DuplexStream>,
        id: i64,
    ) -> BoxFuture<'static, io::Result<()>> {
        let empty = ClientResult::EmptyResult(EmptyObject {});
        transport.send(ClientJsonRpcMessage::response(empty, RequestId::Number(id))).boxed()
    }

    #[tokio::test(start_paused = true)]
    async fn u23_answers_that_nobody_reads_are_dropped() {
        let (mut transport, _peer, ended) = unread();
        let mut waiting = Vec::new();
        for id in 0..MAX_REPLIES as i64 {
            waiting.push(answer(&mut transport, id));
        }
        assert!(waiting.iter_mut().all(|sending| sending.now_or_never().is_none()), "the peer reads nothing");
        for id in 0..1_000 {
            assert!(matches!(answer(&mut transport, id).now_or_never(), Some(Ok(()))), "answer {id} waits too");
        }
        drop(waiting);
        assert!(!ended.is_cancelled());
        assert!(answer(&mut transport, 0).now_or_never().is_none(), "there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn u22_a_peer_that_does_not_read_is_given_up() {
        let (mut transport, _peer, ended) = unread();
        let ping =
            ClientJsonRpcMessage::request(ClientRequest::PingRequest(PingRequest::default()), RequestId::Number(1));
        let written = timeout(Duration::from_secs(60), transport.send(ping)).await.expect("the write ends by itself");
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(ended.is_cancelled(), "half a line has been written");
    }

    #[test]
    fn u20_a_line_at_the_cap_passes_and_one_above_does_not() {
        let at_cap = format!("{}\n", "a".repeat(100));
        assert!(matches!(lines(100, at_cap.as_bytes(), 16).as_slice(), [Frame::Line(_)]));
        let above = format!("{}\n", "a".repeat(101));
        assert_eq!(lines(100, above.as_bytes(), 16), [Frame::TooLarge(None)]);
    }

    #[test]
    fn u20_an_endless_line_ends_the_connection() {
        let mut lines = Lines::new(100, 1_000);
        let mut source = BytesMut::new();
        for _ in 0..10 {
            source.extend_from_slice(&[b'a'; 101]);
            if let Err(error) = lines.decode(&mut source) {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                return;
            }
            assert!(source.is_empty());
        }
        panic!("an endless line is read for ever");
    }
}
