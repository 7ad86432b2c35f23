//! Every key, every refusal, in tables with the exact words.

use std::os::unix::fs::symlink;

use super::*;
use crate::policy::Decision;
use crate::tool::ToolName;

/// The variables of these tests.
fn variables(name: &str) -> Option<String> {
    let value = match name {
        "TOKEN" => "s3cret-token",
        "NESTED" => "${TOKEN}",
        "YAML" => "], policy: {allow: ['*']}, x: [",
        "LINES" => "one\ntwo: three",
        "EMPTY" => "",
        "COUNT" => "7",
        "YES" => "true",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Config> {
    Config::parse(text, &variables)
}

fn refusal(text: &str) -> String {
    let error = parse(text).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidConfig, "{text}");
    error.to_string()
}

fn stdio(upstream: &UpstreamConfig) -> (&str, &[String], &BTreeMap<String, EnvValue>) {
    match &upstream.kind {
        UpstreamKind::Stdio { command, args, env, .. } => (command, args, env),
        kind => panic!("{kind:?}"),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_whole_config_is_understood() {
    let config = parse(
        r#"
upstreams:
  - id: files
    type: stdio
    command: npx
    args: [-y, "server-filesystem", "/srv/${COUNT}"]
    env:
      LOG_LEVEL: debug
      GITHUB_TOKEN: ${TOKEN}
      FROM_OUTSIDE: ${TOKEN}
      LITERAL_KEY: abc
      DSN: {secret: "postgres://u:pw@db"}
      FOLDER: {plain: "/srv/${COUNT}"}
    cwd: /srv
    call_timeout: 5s
    connect_timeout: 250
  - {id: github, type: streamable_http, url: "https://example.com/mcp", bearer_token: "${TOKEN}"}
  - {id: local, type: streamableHttp, url: "http://127.0.0.1:3000/mcp", allow_private: true, api_key: "${TOKEN}"}
  - {id: named, type: streamable_http, url: "https://example.com/", api_key: "${TOKEN}", header: X-Key, allow_private: "${YES}"}
policy:
  allow: ["files.*", github.create_issue]
limits: {cpu_time: 500ms, memory: 64MiB, tool_calls: 10}
max_limits:
  wall_time_ms: 60000
validation: strict
languages: [python]
max_executions: 8
max_queue: "${COUNT}"
"#,
    )
    .unwrap();
    let [files, github, local, named] = config.upstreams.as_slice() else { panic!() };
    let (command, args, env) = stdio(files);
    assert_eq!((files.id.as_str(), command), ("files", "npx"));
    assert_eq!(args, ["-y", "server-filesystem", "/srv/7"]);
    let kinds = env.iter().map(|(name, value)| match value {
        EnvValue::Plain(text) => (name.as_str(), "plain", text.as_str()),
        EnvValue::Secret(secret) => (name.as_str(), "secret", secret.expose()),
    });
    assert_eq!(
        kinds.collect::<Vec<_>>(),
        [
            ("DSN", "secret", "postgres://u:pw@db"),
            ("FOLDER", "plain", "/srv/7"),
            ("FROM_OUTSIDE", "secret", "s3cret-token"),
            ("GITHUB_TOKEN", "secret", "s3cret-token"),
            ("LITERAL_KEY", "secret", "abc"),
            ("LOG_LEVEL", "plain", "debug"),
        ]
    );
    assert!(matches!(&files.kind, UpstreamKind::Stdio { cwd: Some(cwd), .. } if cwd == Path::new("/srv")));
    assert_eq!((files.call_timeout, files.connect_timeout), (Duration::from_secs(5), Duration::from_millis(250)));
    let http = [github, local, named].map(|upstream| match &upstream.kind {
        UpstreamKind::Http { url, allow_private, credential: Some(Credential::Bearer(secret)) } => {
            (url.as_str(), *allow_private, "bearer", secret.expose())
        }
        UpstreamKind::Http { url, allow_private, credential: Some(Credential::Header { name, value }) } => {
            (url.as_str(), *allow_private, name.as_str(), value.expose())
        }
        kind => panic!("{kind:?}"),
    });
    assert_eq!(
        http,
        [
            ("https://example.com/mcp", false, "bearer", "s3cret-token"),
            ("http://127.0.0.1:3000/mcp", true, "X-API-Key", "s3cret-token"),
            ("https://example.com/", true, "X-Key", "s3cret-token"),
        ]
    );
    let decide = |name: &str| config.policy.decide(&ToolName::parse(name).unwrap());
    assert_eq!((decide("files.x"), decide("github.x")), (Decision::Allow, Decision::Deny));
    let limits = LimitsRequest {
        cpu_time_ms: Some(500),
        memory_bytes: Some(64 << 20),
        tool_calls: Some(10),
        ..LimitsRequest::default()
    };
    assert_eq!(config.limits, limits);
    assert_eq!(config.max_limits, LimitsRequest { wall_time_ms: Some(60_000), ..LimitsRequest::default() });
    assert_eq!(config.validation, Strictness::Strict);
    assert_eq!((config.languages.as_slice(), config.max_executions, config.max_queue), (&[Language::Python][..], 8, 7));
}

#[test]
fn json_is_yaml_and_nothing_is_a_config_too() {
    let config = parse("{\n\t\"policy\": {\"allow\": [\"*\"]},\n\t\"max_queue\": 3\n}").unwrap();
    assert_eq!((config.policy.is_stated(), config.max_queue), (true, 3));
    for text in ["", "# nothing\n", "upstreams:\nlimits:\n", "{}"] {
        let config = parse(text).unwrap();
        assert!(config.upstreams.is_empty() && !config.policy.is_stated(), "{text}");
        assert_eq!((config.max_executions, config.max_queue), (100, 100));
        assert_eq!((config.validation, config.languages.as_slice()), (Strictness::Permissive, Language::ALL));
    }
    assert!(parse("policy: {allow: []}").unwrap().policy.is_stated());
}

#[test]
fn k02_a_variable_with_a_secrets_name_is_redacted_wherever_it_stands() {
    let config = parse(
        "upstreams:\n  - {id: a, type: stdio, command: x, args: ['--token=${TOKEN}', '${COUNT}']}\n  \
         - {id: b, type: streamable_http, url: 'https://example.com/mcp?n=${COUNT}&key=${TOKEN}'}\n",
    );
    for upstream in config.unwrap().upstreams {
        let secrets: Vec<&str> = upstream.secrets.iter().map(Secret::expose).collect();
        assert_eq!(secrets, ["s3cret-token"], "{}", upstream.id);
    }
}

#[test]
fn k07_unknown_keys_are_refused_with_the_nearest_known() {
    for (text, message) in [
        ("polcy: {allow: []}", "line 1: unknown key `polcy` in the config, did you mean `policy`?"),
        ("\n\nmaxQueue: 3", "line 3: unknown key `maxQueue` in the config, did you mean `max_queue`?"),
        (
            "resourceLimits: {}",
            "line 1: unknown key `resourceLimits` in the config, expected `upstreams`, `policy`, `limits`, `max_limits`, `validation`, `languages`, `engines`, `max_executions`, `max_queue`, `isolation`, `confinement`",
        ),
        ("policy: {allow: ['*'], deny: [a.b]}", "line 1: unknown key `deny` in `policy`, expected `allow`"),
        (
            "upstreams:\n  - {id: a, type: stdio, command: x,\n     agrs: []}",
            "line 3: unknown key `agrs` in `upstreams[0]`, did you mean `args`?",
        ),
        (
            "upstreams: [{id: a, type: stdio, command: x, url: 'http://x'}]",
            "line 1: unknown key `url` in `upstreams[0]`, expected `id`, `type`, `call_timeout`, `connect_timeout`, `command`, `args`, `env`, `cwd`",
        ),
        (
            "upstreams: [{id: a, type: streamable_http, url: 'http://x', env: {}}]",
            "line 1: unknown key `env` in `upstreams[0]`, expected `id`, `type`, `call_timeout`, `connect_timeout`, `url`, `allow_private`, `bearer_token`, `api_key`, `header`",
        ),
        (
            "limits: {cpu: 1}",
            "line 1: `limits.cpu` is not a limit, expected `cpu_time`, `wall_time`, `memory`, `stack`, `output`, `log_entries`, `program_size`, `program_depth`, `result_size`, `tool_calls`, `tool_calls_in_flight`, `call_size`, `reply_size`",
        ),
        ("limits: {cpu_tiem: 1}", "line 1: `limits.cpu_tiem` is not a limit, did you mean `cpu_time`?"),
    ] {
        assert_eq!(refusal(text), message);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn k07_values_of_the_wrong_kind_are_refused() {
    for (text, message) in [
        ("[]", "line 1: the config must be a map, got a list"),
        ("just text", "line 1: the config must be a map, got a text"),
        ("upstreams: {a: {}}", "line 1: `upstreams` must be a list, got a map"),
        ("upstreams: [npx]", "line 1: `upstreams[0]` must be a map, got a text"),
        ("upstreams:\n  - type: stdio", "line 2: `upstreams[0]` has no `id`"),
        ("upstreams: [{id: a}]", "line 1: `upstreams[0]` has no `type`"),
        ("upstreams: [{id: a, type: stdio}]", "line 1: `upstreams[0]` has no `command`"),
        (
            "upstreams: [{id: 7, type: stdio}]",
            "line 1: `upstreams[0].id` must be a text, got a number: put it in quotes",
        ),
        ("upstreams: [{id: a, type: grpc}]", "line 1: `upstreams[0].type` must be `stdio` or `streamable_http`"),
        (
            "upstreams: [{id: a, type: sse}]",
            "line 1: `upstreams[0].type` must be `stdio` or `streamable_http`, which is what MCP servers speak over HTTP",
        ),
        (
            "upstreams: [{id: a, type: stdio, command: x, env: {PORT: 8080}}]",
            "line 1: `upstreams[0].env.PORT` must be a text, got a number: put it in quotes",
        ),
        (
            "upstreams: [{id: a, type: stdio, command: x, env: {'A=B': y}}]",
            "line 1: `upstreams[0].env.A=B` is not the name of a variable",
        ),
        (
            "upstreams: [{id: a, type: stdio, command: x, env: {A: {secret: y, plain: z}}}]",
            "line 1: `upstreams[0].env.A.plain` stands beside `secret`, expected one of them",
        ),
        ("upstreams: [{id: a, type: stdio, command: x, env: {A: {}}}]", "line 1: `upstreams[0].env.A` has no `secret`"),
        (
            "upstreams: [{id: a, type: stdio, command: [x, y]}]",
            "line 1: `upstreams[0].command` must be a text, got a list",
        ),
        (
            "upstreams: [{id: a, type: streamable_http, url: x/y}]",
            "line 1: `upstreams[0].url` is not a URL: relative URL without a base",
        ),
        (
            "upstreams: [{id: a, type: streamable_http, url: 'http://x', allow_private: 1}]",
            "line 1: `upstreams[0].allow_private` must be `true` or `false`, got a number",
        ),
        (
            "upstreams: [{id: a, type: streamable_http, url: 'http://x', allow_private: on}]",
            "line 1: `upstreams[0].allow_private` must be `true` or `false`",
        ),
        (
            "upstreams: [{id: a, type: stdio, command: x, call_timeout: 0}]",
            "line 1: `upstreams[0].call_timeout` must be a time such as `500ms` or `2s`",
        ),
        ("policy:", "line 1: `policy` must be a map, got nothing"),
        ("policy: {}", "line 1: `policy` has no `allow`"),
        ("policy: {allow:}", "line 1: `policy.allow` must be a list, got nothing"),
        ("policy: {allow: '*'}", "line 1: `policy.allow` must be a list, got a text"),
        (
            "policy: {allow: [github__x]}",
            "line 1: `policy.allow[0]` is wrong: `github__x` is not a tool pattern, expected `*`, `upstream.*` or `upstream.tool`",
        ),
        (
            "limits: {cpu_time: 5MiB}",
            "line 1: `limits.cpu_time` is wrong: limit `cpu_time` cannot be `5MiB`, expected a time such as `500ms` or `2s`",
        ),
        (
            "limits: {tool_calls: -1}",
            "line 1: `limits.tool_calls` is wrong: limit `tool_calls` cannot be `-1`, expected a number such as `100`",
        ),
        (
            "limits: {cpu_time: 1s, cpu_time_ms: 5}",
            "line 1: `limits.cpu_time_ms` is there twice, as `cpu_time` and as `cpu_time_ms`",
        ),
        ("limits: {cpu_time: true}", "line 1: `limits.cpu_time` must be a number or a text, got a boolean"),
        ("validation: loose", "line 1: `validation` must be `permissive` or `strict`"),
        ("languages: python", "line 1: `languages` must be a list, got a text"),
        ("languages: []", "line 1: `languages` must have a language"),
        ("languages: [perl]", "line 1: `languages[0]` must be `typescript` or `python`"),
        ("languages: [python, python]", "line 1: `languages[1]` is there twice"),
        ("max_executions: 0", "line 1: `max_executions` must be a whole number from 1 to 10000"),
        ("max_executions: 1000000", "line 1: `max_executions` must be a whole number from 1 to 10000"),
        ("max_queue: 4294967296", "line 1: `max_queue` must be a whole number from 0 to 4294967295"),
        ("max_queue: many", "line 1: `max_queue` must be a whole number from 0 to 4294967295"),
        ("max_queue: [1]", "line 1: `max_queue` must be a whole number, got a list"),
        ("engines: [deno]", "line 1: `engines[0]` must be `wasm` or `v8`"),
        ("engines: [v8, v8]", "line 1: `engines[1]` is there twice"),
        ("engines: []", "line 1: `engines` must have an engine"),
        ("isolation: container", "line 1: `isolation` must be `in_process` or `process`"),
        ("confinement: strict", "line 1: `confinement` must be `best_effort` or `require`"),
    ] {
        assert_eq!(refusal(text), message);
    }
}

#[test]
fn credentials_are_one_of_two() {
    let upstream =
        |keys: &str| refusal(&format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', {keys}}}]"));
    assert_eq!(
        upstream("bearer_token: a, api_key: b"),
        "line 1: `upstreams[0].api_key` stands beside `bearer_token`, expected one of them"
    );
    assert_eq!(
        upstream("header: X-Key"),
        "line 1: `upstreams[0].header` is the header of an `api_key`, which is not there"
    );
    assert_eq!(
        upstream("bearer_token: a, header: X-Key"),
        "line 1: `upstreams[0].header` is the header of an `api_key`, which is not there"
    );
    assert_eq!(upstream("bearer_token: ''"), "line 1: `upstreams[0].bearer_token` is empty");
    assert_eq!(upstream("bearer_token: '${EMPTY:-}'"), "line 1: `upstreams[0].bearer_token` is empty");
    assert_eq!(
        upstream("bearer_token: '${LINES}'"),
        "line 1: `upstreams[0].bearer_token` must be one line without control characters"
    );
}

#[test]
fn k07_variables_are_expanded_once_after_parsing() {
    let args = |written: &str| {
        let text = format!("upstreams: [{{id: a, type: stdio, command: x, args: [{written}]}}]");
        let config = parse(&text).unwrap();
        stdio(&config.upstreams[0]).1.to_vec()
    };
    for (written, value) in [
        ("'${TOKEN}'", "s3cret-token"),
        ("'a${COUNT}b${COUNT}c'", "a7b7c"),
        ("'${NESTED}'", "${TOKEN}"),
        ("'${YAML}'", "], policy: {allow: ['*']}, x: ["),
        ("'${LINES}'", "one\ntwo: three"),
        ("'${UNSET:-default}'", "default"),
        ("'${UNSET:-}'", ""),
        ("'${EMPTY:-default}'", "default"),
        ("'${TOKEN:-default}'", "s3cret-token"),
        ("'${UNSET:-a:-b}'", "a:-b"),
        ("'$${TOKEN}'", "${TOKEN}"),
        ("'$TOKEN $ $$ {}'", "$TOKEN $ $$ {}"),
    ] {
        assert_eq!(args(written), [value], "{written}");
    }
    let arg = |written: &str| refusal(&format!("upstreams: [{{id: a, type: stdio, command: x, args: [{written}]}}]"));
    for name in ["UNSET", "EMPTY"] {
        assert_eq!(
            arg(&format!("'x${{{name}}}'")),
            format!("line 1: `upstreams[0].args[0]` needs the environment variable `{name}`, which is not set")
        );
    }
    for written in ["'${'", "'${TOKEN'", "'${}'", "'${1A}'", "'${A B}'", "'${A-b}'", "'${ A}'"] {
        assert_eq!(
            arg(written),
            "line 1: `upstreams[0].args[0]` has a `${` that is not `${NAME}` or `${NAME:-default}`, write `$${` for the text itself",
            "{written}"
        );
    }
    assert_eq!(
        refusal("upstreams: [{id: a, type: stdio, command: '${LINES}'}]"),
        "line 1: `upstreams[0].command` must be one line without control characters"
    );
    // A key is no value.
    assert_eq!(
        refusal("${TOKEN}: 1"),
        "line 1: unknown key `${TOKEN}` in the config, expected `upstreams`, `policy`, `limits`, `max_limits`, `validation`, `languages`, `engines`, `max_executions`, `max_queue`, `isolation`, `confinement`"
    );
}

#[test]
fn k07_yaml_that_is_no_config_is_refused() {
    let bomb = (0..9).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let next = level + 1;
        text + &format!("a{next}: &a{next} [{}]\n", vec![format!("*a{level}"); 9].join(", "))
    });
    let chain = (0..16).fold("a0: &a0 [x]\n".to_owned(), |text, level| {
        let next = level + 1;
        text + &format!("a{next}: &a{next} [*a{level}]\n")
    });
    for (text, part) in [
        ("policy: {allow: []}\npolicy: {allow: ['*']}", "duplicate mapping key `policy` is not allowed here at line 2"),
        ("{\"max_queue\": 1, \"max_queue\": 2}", "duplicate mapping key `max_queue`"),
        (bomb.as_str(), "Nodes { nodes: 20001 }"),
        (chain.as_str(), "Depth { depth: 17 }"),
        (&"- ".repeat(17), "Depth { depth: 17 }"),
        (&format!("{}{}", "[".repeat(17), "]".repeat(17)), "Depth { depth: 17 }"),
        (&"[".repeat(100_000), "recursion limit exceeded"),
        (&"- x\n".repeat(20_000), "Nodes { nodes: 20001 }"),
        ("a: 1\n---\nb: 2", "only single YAML document expected"),
        ("max_queue: 1e309", "not a finite number"),
        ("policy: !allow {allow: []}", "a tag is not supported at line 1, column 16, put"),
        ("? [a]\n: b", "expected string scalar"),
        ("policy: [", "unclosed bracket"),
    ] {
        let message = refusal(text);
        assert!(message.contains(part) && message.starts_with("cannot be read: "), "{message}");
    }
}

#[test]
fn k01_no_error_shows_a_value() {
    const CANARY: &str = "c4n4ry-c4n4ry";
    for text in [
        format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', bearer_token: '{CANARY}'"),
        format!("upstreams:\n  - bearer_token: \"{CANARY}\n"),
        format!("upstreams:\n  - bearer_token: !{CANARY} x\n"),
        format!("upstreams:\n  - bearer_token: {CANARY}\n   x: y\n"),
        format!("upstreams: [{{id: a, type: streamable_http, url: '{CANARY}'}}]"),
        format!("upstreams: [{{id: a, type: '{CANARY}', bearer_token: {CANARY}}}]"),
        format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', bearer_token: '${{UNSET}}{CANARY}'}}]"),
        format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', bearer_token: \"a\\n{CANARY}\"}}]"),
        format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', allow_private: {CANARY}}}]"),
        format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', bearer_token: [{CANARY}]}}]"),
        format!("- '{CANARY}' x"),
    ] {
        let error = parse(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
    }
    let config = parse(&format!(
        "upstreams: [{{id: a, type: streamable_http, url: 'http://x?k={CANARY}', bearer_token: {CANARY}}}]"
    ));
    assert!(!format!("{config:?}").contains(CANARY));
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str, mode: u32) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    path
}

#[test]
fn k07_only_a_small_regular_file_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let read = |path: &Path| Config::read(path).map(|config| config.max_queue).map_err(|error| error.to_string());
    let shown = |path: &Path, rest: &str| Err(format!("config `{}`{rest}", path.display()));
    let small = file(&folder, "c.yaml", "max_queue: 5", 0o644);
    assert_eq!(read(&small), Ok(5));
    let link = folder.path().join("link.yaml");
    symlink(&small, &link).unwrap();
    assert_eq!(read(&link), Ok(5));
    let missing = folder.path().join("missing.yaml");
    assert_eq!(read(&missing), shown(&missing, " cannot be read: No such file or directory (os error 2)"));
    for path in [Path::new("/dev/zero"), folder.path()] {
        assert_eq!(read(path), shown(path, " is not a regular file"));
    }
    let large = file(&folder, "large.yaml", &"#".repeat((1 << 20) + 1), 0o644);
    assert_eq!(read(&large), shown(&large, " is larger than 1048576 bytes"));
    let full = file(&folder, "full.yaml", &"#".repeat(1 << 20), 0o644);
    assert_eq!(read(&full), Ok(100));
    let binary = folder.path().join("binary.yaml");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    assert_eq!(read(&binary), shown(&binary, " is not UTF-8"));
    let wrong = file(&folder, "wrong.yaml", "\npolcy: 1", 0o644);
    assert_eq!(read(&wrong), shown(&wrong, ", line 2: unknown key `polcy` in the config, did you mean `policy`?"));
}

#[test]
fn k07_a_fifo_is_refused_before_anybody_writes_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let path = fifo.clone();
    std::thread::spawn(move || sender.send(Config::read(&path).unwrap_err().to_string()));
    let refused = receiver.recv_timeout(Duration::from_secs(10)).expect("nobody is waited for");
    assert_eq!(refused, format!("config `{}` is not a regular file", fifo.display()));
}

#[test]
fn k07_a_file_that_grows_while_it_is_read_is_not_read_to_its_end() {
    /// Gives what is asked for, up to a size at which somebody reads for ever.
    struct Endless(usize);
    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0 += buffer.len();
            if self.0 > 1 << 20 { Err(std::io::ErrorKind::StorageFull.into()) } else { Ok(buffer.len()) }
        }
    }
    assert_eq!(read_at_most(Endless(0), 1_000).unwrap(), None);
    assert_eq!(read_at_most([b'x'; 1_000].as_slice(), 1_000).unwrap(), Some(vec![b'x'; 1_000]));
    assert_eq!(read_at_most([b'x'; 1_001].as_slice(), 1_000).unwrap(), None);
}

#[test]
fn k07_a_secret_that_everybody_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let http = |keys: &str| format!("upstreams: [{{id: a, type: streamable_http, url: 'http://x', {keys}}}]");
    let child = |env: &str| format!("upstreams: [{{id: a, type: stdio, command: x, env: {{{env}}}}}]");
    for (name, text, key) in [
        ("bearer", http("bearer_token: s3cret"), "upstreams[0].bearer_token"),
        ("api", http("api_key: s3cret"), "upstreams[0].api_key"),
        ("default", http("bearer_token: '${CONDUIT_TEST_UNSET:-s3cret}'"), "upstreams[0].bearer_token"),
        ("token", child("GITHUB_TOKEN: s3cret"), "upstreams[0].env.GITHUB_TOKEN"),
        ("key", child("api_key: s3cret"), "upstreams[0].env.api_key"),
        ("marked", child("DSN: {secret: s3cret}"), "upstreams[0].env.DSN.secret"),
    ] {
        let path = file(&folder, name, &text, 0o644);
        let error = Config::read(&path).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "config `{}` holds a secret in `{key}` and everybody can read it, use `${{VAR}}` or `chmod 600`",
                path.display()
            )
        );
        for mode in [0o600, 0o640] {
            assert!(Config::read(&file(&folder, name, &text, mode)).is_ok(), "{name}");
        }
    }
    // `PATH` is there in every test; what comes from it is not in the file.
    for (name, text) in
        [("variable", http("bearer_token: '${PATH}'")), ("plain", child("LOG_LEVEL: debug, KEY_FILE: /x"))]
    {
        assert!(Config::read(&file(&folder, name, &text, 0o644)).is_ok(), "{name}");
    }
}

#[test]
fn k07_a_config_that_everybody_can_change_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "open", "max_queue: 1", 0o646);
    let error = Config::read(&path).unwrap_err().to_string();
    assert_eq!(error, format!("config `{}` can be changed by everybody, use `chmod o-w`", path.display()));
    assert!(Config::read(&file(&folder, "closed", "max_queue: 1", 0o664)).is_ok());
}

#[test]
fn the_page_and_its_example_have_every_key() {
    let example = include_str!("../../../examples/all-keys.yaml");
    let set = |name: &str| (name != "GITHUB_HOST").then(|| format!("value-of-{name}"));
    let config = Config::parse(example, &set).unwrap();
    assert_eq!((config.upstreams.len(), config.max_executions, config.max_queue), (3, 50, 200));
    assert_eq!((config.isolation, config.confinement), (Isolation::Process, Confinement::Require));
    assert_eq!(config.engines, [Engine::Wasm, Engine::V8]);
    assert_eq!(config.limits.memory_bytes, Some(128 << 20));
    assert_eq!(config.upstreams[0].call_timeout, Duration::from_millis(1_500));
    let page = include_str!("../../../docs/config.md");
    for key in [ROOT, COMMON, STDIO, HTTP].concat() {
        assert!(page.contains(&format!("`{key}`")), "docs/config.md has no `{key}`");
        assert!(example.contains(&format!("{key}:")), "examples/all-keys.yaml has no `{key}`");
    }
}

#[test]
fn a_config_that_a_program_made_is_taken_as_it_is() {
    let json = r#"{"upstreams": [{"id": "a", "type": "stdio", "command": "\ud83d\ude00\/x", "args": ["${HOME} \u00e9 $${"]}]}"#;
    let config = Config::from_json(json).unwrap();
    let UpstreamKind::Stdio { command, args, .. } = &config.upstreams[0].kind else { panic!("{config:?}") };
    assert_eq!((command.as_str(), args[0].as_str()), ("😀/x", "${HOME} é $${"));
    let refused = |json: &str| Config::from_json(json).unwrap_err().to_string();
    assert_eq!(refused("max_queue: 3"), "the config is not JSON: expected value at line 1 column 1");
    assert_eq!(refused(r#"{"policy": {"allow": ["x"]}}"#).split(':').next(), Some("`policy.allow[0]` is wrong"));
    let twice = "the config cannot be read: duplicate mapping key `max_queue` is not allowed here at line 1, column 18";
    assert_eq!(refused(r#"{"max_queue": 3, "max_queue": 4}"#), twice);
    assert_eq!(refused(r#"{"maxQueue": 3}"#), "unknown key `maxQueue` in the config, did you mean `max_queue`?");
    assert_eq!(refused(&format!("\"{}\"", "x".repeat(1 << 20))), "the config is larger than 1048576 bytes");
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    let schema: serde_json::Value = serde_json::from_str(include_str!("schema.json")).unwrap();
    let keys = |at: &str| {
        let mut keys: Vec<_> = schema.pointer(at).unwrap().as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    };
    let sorted = |lists: &[&[&'static str]]| {
        let mut keys = lists.concat();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys("/Config/properties"), sorted(&[ROOT]));
    assert_eq!(keys("/UpstreamConfig/oneOf/0/properties"), sorted(&[COMMON, STDIO]));
    assert_eq!(keys("/UpstreamConfig/oneOf/1/properties"), sorted(&[COMMON, HTTP]));
    let most = &schema["Config"]["properties"]["max_executions"]["maximum"];
    assert_eq!(most, MAX_EXECUTIONS);
}
