//! `conduit check`: whether the config is right and every upstream can be reached.

use conduit_core::{Error, ErrorCode, Result, Runtime, Shown, UpstreamStatus, WorkerCommand};

use crate::args::CheckArgs;
use crate::output::{complain, table};
use crate::session::{self, Interrupts};
use crate::{EXIT_CANCELLED, EXIT_USAGE};

pub(crate) async fn check(args: CheckArgs, worker: WorkerCommand) -> Result<u8> {
    let config = session::read(&args.config)?;
    let config = config.ok_or_else(|| Error::new(ErrorCode::InvalidConfig, session::NO_CONFIG))?;
    let mut interrupts = Interrupts::new()?;
    let runtime = Runtime::builder_from(config).worker(worker).build()?;
    session::warn_without_policy(&runtime);
    for lacking in runtime.unconfined_by() {
        complain(format_args!("worker processes are confined less than they could be: this system has no {lacking}"));
    }
    let (mut upstreams, mut idle) = (Vec::new(), Vec::new());
    let text = async {
        upstreams = runtime.check().await;
        idle = runtime.idle_patterns();
        Ok(table(&rows(&upstreams)))
    };
    if !session::print(&runtime, &mut interrupts, text).await? {
        return Ok(EXIT_CANCELLED);
    }
    for upstream in &upstreams {
        for warning in &upstream.warnings {
            complain(format_args!("upstream `{}`: {}", upstream.id, Shown(warning, session::ERROR)));
        }
    }
    for pattern in idle {
        complain(format_args!("the pattern `{pattern}` of the policy covers no tool"));
    }
    let wrong = upstreams.iter().any(|upstream| upstream.tools.is_err());
    Ok(if wrong { EXIT_USAGE } else { 0 })
}

fn rows(upstreams: &[UpstreamStatus]) -> Vec<[String; 3]> {
    let heading = ["upstream", "tools", "status"].map(str::to_owned);
    let row = |upstream: &UpstreamStatus| {
        let (tools, status) = match &upstream.tools {
            Ok(tools) => (tools.to_string(), "ok".to_owned()),
            Err(error) => ("-".to_owned(), Shown(&error.to_string(), session::ERROR).to_string()),
        };
        [upstream.id.clone(), tools, status]
    };
    std::iter::once(heading).chain(upstreams.iter().map(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_how_each_upstream_is() {
        let refused = Error::new(ErrorCode::UpstreamUnavailable, "cannot start `npx`").with_source("no such file");
        let status = |id: &str, tools| UpstreamStatus { id: id.to_owned(), tools, warnings: Vec::new() };
        assert_eq!(
            table(&rows(&[status("files", Ok(14)), status("github", Err(refused))])),
            "upstream  tools  status\nfiles     14     ok\ngithub    -      cannot start `npx`: no such file\n"
        );
    }
}
