//! An HTTP client for one URL, hardened against being led elsewhere.
//!
//! Owns [`HttpClient`] and [`HttpError`]. Speaks only to the URL that it was made for: http or https, no user info, no
//! redirects, proxies, cookies, referer or decompression. Every address is checked before a socket is opened, and the
//! checked addresses are the ones that are connected to. Trust in certificates is the operating system's.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_platform_verifier::BuilderVerifierExt;
use url::{Host, Url};

use super::address;
use crate::error::{Error, ErrorCode, Result};

type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// Names under these are never global, whatever a resolver says; so is a name without a dot.
const LOCAL_DOMAINS: &[&str] = &["localhost", "local", "internal", "home.arpa"];
const MAX_IDLE_CONNECTIONS: usize = 16;

/// A client for one URL. Cheap to clone; clones share the connections.
#[derive(Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    url: Url,
}

/// How to reach the URL.
#[derive(Clone, Copy, Debug)]
pub struct HttpOptions {
    /// Allows addresses that are not global unicast, for this client alone.
    pub allow_private: bool,
    /// The longest time for name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
}

impl HttpClient {
    /// A client for `url`. Opens no socket.
    ///
    /// # Errors
    /// `invalid_config` when the URL is not plain http or https; `address_denied` when its host cannot be global
    /// unicast; `upstream_unavailable` when the system has no trusted root certificates.
    pub fn new(url: &Url, options: HttpOptions) -> Result<HttpClient> {
        let lookup: Lookup =
            Arc::new(|host| Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) }));
        HttpClient::with_lookup(url, options, lookup)
    }

    fn with_lookup(url: &Url, options: HttpOptions, lookup: Lookup) -> Result<HttpClient> {
        check_url(url, options.allow_private)?;
        let client = reqwest::Client::builder()
            // SECURITY: redirects, proxies and referers would lead requests, and credentials, to other places.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(url.scheme() == "https")
            .dns_resolver(Arc::new(CheckedResolver { allow_private: options.allow_private, lookup }))
            .connect_timeout(options.connect_timeout)
            .pool_max_idle_per_host(MAX_IDLE_CONNECTIONS)
            .tls_backend_preconfigured(tls(url)?)
            .build()
            .map_err(|error| Error::new(ErrorCode::Internal, "cannot build an HTTP client").with_source(error))?;
        Ok(HttpClient { client, url: url.clone() })
    }

    /// A request to the client's own URL; there is no way to name another.
    pub fn request(&self, method: reqwest::Method) -> reqwest::RequestBuilder {
        self.client.request(method, self.url.clone())
    }
}

/// Whether requests to `url` may be made at all. Resolves nothing.
///
/// # Errors
/// `invalid_config` when the URL is not plain http or https or carries user info; `address_denied` when its host is an
/// address or a name that cannot be global unicast and `allow_private` is not set.
fn check_url(url: &Url, allow_private: bool) -> Result<()> {
    let invalid =
        |expected: &str| Error::new(ErrorCode::InvalidConfig, format!("url of `{}`: {expected}", origin(url)));
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("expected the scheme `http` or `https`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("expected no user name or password, a credential has its own setting"));
    }
    // SECURITY: hyper connects to a literal address without asking the resolver, so literals are checked here.
    let reason = match url.host() {
        None => return Err(invalid("expected a host")),
        Some(_) if allow_private => None,
        Some(Host::Ipv4(address)) => address::special_purpose(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => address::special_purpose(IpAddr::V6(address)),
        Some(Host::Domain(name)) => is_local_name(name).then_some("a local name"),
    };
    match reason {
        Some(reason) => Err(denied(url.host_str().unwrap_or_default(), reason)),
        None => Ok(()),
    }
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let within = |domain: &&str| name.strip_suffix(*domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !name.contains('.') || LOCAL_DOMAINS.iter().any(within)
}

fn denied(host: &str, reason: &str) -> Error {
    Error::new(
        ErrorCode::AddressDenied,
        format!("`{host}` is not a global address but {reason}, expected `allow_private: true` if that is meant"),
    )
}

/// A client's TLS: the operating system's roots, so that a company's own authority and a revoked one are known here too,
/// and nothing goes stale inside a package. A plain http URL needs none and works on a system without any.
fn tls(url: &Url) -> Result<rustls::ClientConfig> {
    let failed = |error: rustls::Error| {
        Error::new(
            ErrorCode::UpstreamUnavailable,
            "no trusted root certificates, expected the system's (package `ca-certificates`) or `SSL_CERT_FILE`",
        )
        .with_source(error)
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(failed)?;
    if url.scheme() != "https" {
        return Ok(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    }
    Ok(builder.with_platform_verifier().map_err(failed)?.with_no_client_auth())
}

struct CheckedResolver {
    allow_private: bool,
    lookup: Lookup,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        let host = name.as_str().to_owned();
        let records = (self.lookup)(host.clone());
        Box::pin(async move {
            let records = records.await?;
            // SECURITY: one special record refuses the name, or an attacker's DNS could choose among them; what is
            // returned is what is connected to, so a second answer cannot differ from the checked one.
            let special = records.iter().find_map(|record| address::special_purpose(record.ip()));
            match special {
                Some(reason) if !allow_private => Err(denied(&host, reason).into()),
                _ => Ok(Box::new(records.into_iter()) as Addrs),
            }
        })
    }
}

/// Where a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpErrorKind {
    /// The address may not be reached; no socket was opened.
    Denied,
    /// No connection came about; nothing was sent.
    Unreachable,
    /// The connection broke after the request had been sent, at least in part.
    Interrupted,
}

/// A failed request. Its text is for the operator, names no URL and carries no body.
#[derive(Debug)]
pub struct HttpError {
    kind: HttpErrorKind,
    detail: String,
}

impl HttpError {
    /// Where the request failed.
    pub fn kind(&self) -> HttpErrorKind {
        self.kind
    }
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> HttpError {
        let error = error.without_url();
        let connect = error.is_connect();
        let mut detail = String::new();
        let mut kind = if connect { HttpErrorKind::Unreachable } else { HttpErrorKind::Interrupted };
        let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
        while let Some(cause) = next {
            detail = cause.to_string();
            if cause.downcast_ref::<Error>().is_some_and(|cause| cause.code() == ErrorCode::AddressDenied) {
                kind = HttpErrorKind::Denied;
                break;
            }
            next = cause.source();
        }
        HttpError { kind, detail: if detail.is_empty() { error.to_string() } else { detail } }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            HttpErrorKind::Denied => f.write_str(&self.detail),
            HttpErrorKind::Unreachable => write!(f, "cannot connect: {}", self.detail),
            HttpErrorKind::Interrupted => write!(f, "the connection broke: {}", self.detail),
        }
    }
}

impl std::error::Error for HttpError {}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
