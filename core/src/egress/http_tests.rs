use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn options(allow_private: bool) -> HttpOptions {
    HttpOptions { allow_private, connect_timeout: Duration::from_secs(5) }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn assert_untouched(listener: &TcpListener) {
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().map(|_| ()).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

/// Answers every request of `count` connections with `response`.
fn serve(listener: TcpListener, count: usize, response: String) -> std::thread::JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut heads = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            stream.write_all(response.as_bytes()).unwrap();
            heads.push(String::from_utf8(head).unwrap());
        }
        heads
    })
}

fn fixed_lookup(answers: Vec<Vec<SocketAddr>>) -> (Lookup, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let lookup: Lookup = Arc::new(move |_| {
        let index = counter.fetch_add(1, Ordering::SeqCst);
        let answer = answers[index.min(answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    });
    (lookup, calls)
}

/// Sends a request, which nobody may keep waiting: where nobody should be asked, nobody answers.
async fn send(client: &HttpClient) -> std::result::Result<reqwest::Response, HttpError> {
    let sending = client.request(reqwest::Method::GET).send();
    let sent = tokio::time::timeout(Duration::from_secs(10), sending).await.expect("it is over at once");
    sent.map_err(HttpError::from)
}

#[tokio::test]
async fn u01_no_spelling_of_loopback_opens_a_socket() {
    let (listener, port) = listener();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.0.0.01",
        "017700000001",
        "127.0.0.1.",
        "１２７.０.０.１",
        "①②⑦.⓪.⓪.①",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "localhost",
    ] {
        let url = Url::parse(&format!("http://{host}:{port}/mcp")).unwrap();
        let error = HttpClient::new(&url, options(false)).err().unwrap_or_else(|| panic!("{host} is not refused"));
        assert_eq!(error.code(), ErrorCode::AddressDenied, "{host}");
    }
    assert_untouched(&listener);
}

/// Why literals are checked apart: the connector does not ask the resolver about them.
#[tokio::test]
async fn u01_a_literal_never_reaches_the_resolver() {
    let (listener, port) = listener();
    let server = serve(listener, 1, "HTTP/1.1 204 No Content\r\n\r\n".into());
    let (lookup, calls) = fixed_lookup(vec![vec![]]);
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let client = HttpClient::with_lookup(&url, options(true), lookup).unwrap();
    assert_eq!(send(&client).await.unwrap().status(), 204);
    assert_eq!(calls.load(Ordering::SeqCst), 0);
    server.join().unwrap();
}

#[tokio::test]
async fn u06_local_names_are_refused_by_name() {
    for host in [
        "localhost",
        "localhost.",
        "LOCALHOST",
        "foo.localhost",
        "ip6-localhost",
        "instance-data",
        "metadata",
        "metadata.google.internal",
        "host.docker.internal",
        "printer.local",
        "nas.home.arpa",
    ] {
        let url = Url::parse(&format!("http://{host}/")).unwrap();
        assert_eq!(check_url(&url, false).unwrap_err().code(), ErrorCode::AddressDenied, "{host}");
        check_url(&url, true).unwrap();
    }
    for host in ["example.com", "localhost.example.com", "mylocalhost.com", "internal.example.com"] {
        check_url(&Url::parse(&format!("https://{host}/")).unwrap(), false).unwrap();
    }
}

#[tokio::test]
async fn u06_u09_one_private_record_refuses_the_name_and_nothing_is_connected() {
    let (listener, port) = listener();
    let public = SocketAddr::from(([93, 184, 216, 34], 0));
    let private: SocketAddr = "127.0.0.1:0".parse().unwrap();
    let mapped: SocketAddr = "[::ffff:127.0.0.1]:0".parse().unwrap();
    let mut many = vec![public; 99];
    many.push(private);
    for records in [vec![private], vec![public, private], vec![private, public], vec![public, mapped], many] {
        let url = Url::parse(&format!("http://nip.example.com:{port}/")).unwrap();
        let (lookup, calls) = fixed_lookup(vec![records]);
        let error = send(&HttpClient::with_lookup(&url, options(false), lookup).unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), calls.load(Ordering::SeqCst)), (HttpErrorKind::Denied, 1));
        assert_eq!(
            error.to_string(),
            "`nip.example.com` is not a global address but loopback (RFC 1122), expected `allow_private: true` if that is meant"
        );
    }
    assert_untouched(&listener);
}

#[tokio::test]
async fn u09_the_checked_answer_is_the_one_connected_to() {
    let (listener, port) = listener();
    let server = serve(listener, 1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into());
    let (elsewhere, other_port) = self::listener();
    let here = SocketAddr::from(([127, 0, 0, 1], 0));
    let flipped = SocketAddr::from(([127, 0, 0, 2], other_port));
    let (lookup, calls) = fixed_lookup(vec![vec![here], vec![flipped]]);
    let url = Url::parse(&format!("http://rebind.example.com:{port}/")).unwrap();
    let client = HttpClient::with_lookup(&url, options(true), lookup).unwrap();
    let response = send(&client).await.unwrap();
    assert_eq!(response.remote_addr(), Some(SocketAddr::from(([127, 0, 0, 1], port))));
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    server.join().unwrap();
    assert_untouched(&elsewhere);
}

#[tokio::test]
async fn u08_redirects_are_not_followed() {
    let (target, target_port) = listener();
    for status in [301, 302, 303, 307, 308] {
        let (listener, port) = listener();
        let location = format!("http://127.0.0.1:{target_port}/");
        let response = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nRefresh: 0;url={location}\r\nContent-Length: 0\r\n\r\n"
        );
        let server = serve(listener, 1, response);
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        let client = HttpClient::new(&url, options(true)).unwrap();
        assert_eq!(send(&client).await.unwrap().status(), status);
        let heads = server.join().unwrap();
        assert!(!heads[0].to_lowercase().contains("accept-encoding"), "{heads:?}");
    }
    assert_untouched(&target);
}

/// Runs itself in a child whose environment names a proxy.
#[tokio::test]
async fn u08_a_proxy_in_the_environment_is_ignored() {
    const PORT: &str = "CONDUIT_TEST_PORT";
    if let Some(port) = std::env::var_os(PORT) {
        let url = Url::parse(&format!("http://127.0.0.1:{}/", port.to_str().unwrap())).unwrap();
        assert_eq!(send(&HttpClient::new(&url, options(true)).unwrap()).await.unwrap().status(), 204);
        return;
    }
    let (proxy, proxy_port) = listener();
    let (target, port) = listener();
    let server = serve(target, 1, "HTTP/1.1 204 No Content\r\n\r\n".into());
    let proxy_url = format!("http://127.0.0.1:{proxy_port}");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "egress::http::tests::u08_a_proxy_in_the_environment_is_ignored"])
        .envs(["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"].map(|name| (name, &proxy_url)))
        .env(PORT, port.to_string())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    server.join().unwrap();
    assert_untouched(&proxy);
}

#[tokio::test]
async fn u12_an_allowance_is_for_one_url() {
    let (listener, port) = listener();
    let server = serve(listener, 1, "HTTP/1.1 204 No Content\r\n\r\n".into());
    let url = Url::parse(&format!("http://127.0.0.1:{port}/mcp")).unwrap();
    let allowed = HttpClient::new(&url, options(true)).unwrap();
    assert_eq!(send(&allowed).await.unwrap().status(), 204);
    assert!(server.join().unwrap()[0].starts_with("GET /mcp HTTP/1.1\r\n"));
    assert_eq!(HttpClient::new(&url, options(false)).err().unwrap().code(), ErrorCode::AddressDenied);
}

#[tokio::test]
async fn u13_a_closed_and_a_silent_private_port_are_refused_alike() {
    let (silent, silent_port) = listener();
    let (closed, closed_port) = listener();
    drop(closed);
    let refuse = |port: u16| {
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
        HttpClient::new(&url, options(false)).err().unwrap().to_string()
    };
    assert_eq!(refuse(silent_port), refuse(closed_port));
    assert_untouched(&silent);
}

#[test]
fn urls_are_plain_http() {
    for (url, expected) in [
        ("ftp://example.com/", "url of `ftp://example.com`: expected the scheme `http` or `https`"),
        ("file:///etc/passwd", "url of `file://`: expected the scheme `http` or `https`"),
        (
            "https://user:hunter2hunter2@example.com/",
            "url of `https://example.com`: expected no user name or password, a credential has its own setting",
        ),
    ] {
        let error = check_url(&Url::parse(url).unwrap(), true).unwrap_err();
        assert_eq!((error.code(), error.to_string().as_str()), (ErrorCode::InvalidConfig, expected));
    }
}

#[tokio::test]
async fn an_unreachable_server_is_told_from_a_broken_connection() {
    let (listener, port) = listener();
    let url = Url::parse(&format!("http://127.0.0.1:{port}/?token=hunter2hunter2")).unwrap();
    let client = HttpClient::new(&url, options(true)).unwrap();
    let server = serve(listener, 1, String::new());
    let broken = send(&client).await.unwrap_err();
    assert_eq!(broken.kind(), HttpErrorKind::Interrupted, "{broken}");
    server.join().unwrap();
    let unreachable = send(&client).await.unwrap_err();
    assert_eq!(unreachable.kind(), HttpErrorKind::Unreachable, "{unreachable}");
    assert!(!format!("{broken} {broken:?} {unreachable} {unreachable:?}").contains("hunter2"));
}

#[tokio::test]
async fn k01_no_error_names_the_url() {
    let (listener, port) = listener();
    let server = serve(listener, 1, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n".into());
    let url = Url::parse(&format!("http://127.0.0.1:{port}/?token=hunter2hunter2")).unwrap();
    let response = send(&HttpClient::new(&url, options(true)).unwrap()).await.unwrap();
    // Of the errors that name no cause, the one that is easy to come by.
    let error = HttpError::from(response.error_for_status().unwrap_err());
    let expected = "the connection broke: HTTP status server error (500 Internal Server Error)";
    assert_eq!(error.to_string(), expected);
    server.join().unwrap();
}
