//! A program that a model wrote calls a function of this one.

use conduit_core::{ExecutionRequest, LocalTool, Policy, Runtime, ToolPattern, serde_json::json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> conduit_core::Result<()> {
    let weather = LocalTool::new("weather", |arguments, _context| async move {
        Ok(json!({ "city": arguments.get("city"), "celsius": 21 }))
    })
    .description("The weather in a city.")
    .input_schema(json!({ "type": "object", "properties": { "city": { "type": "string" } }, "required": ["city"] }));

    let host_tools = Policy::allow([ToolPattern::parse("host.*")?]);
    let runtime = Runtime::builder().host_tool(weather).policy(host_tools).build()?;

    let code = "const { city, celsius } = await tools.host.weather({ city: 'Oslo' }); `${celsius} °C in ${city}`";
    let result = runtime.execute(ExecutionRequest::typescript(code)).await?;
    println!("{}: {}", result.outcome.status(), result.value);
    Ok(())
}
