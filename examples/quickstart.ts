// Three calls at once; only the answer leaves the sandbox.
const cities = ["New York", "Chicago", "Los Angeles"] as const;
const reports = await Promise.all(
  cities.map((location) => tools.everything.get_structured_content({ location })),
);

const ranked = cities
  .map((city, index) => ({ city, ...reports[index] }))
  .sort((a, b) => b.temperature - a.temperature);

console.log(await tools.everything.echo({ message: `asked ${ranked.length} cities` }));
return { warmest: ranked[0].city, celsius: ranked[0].temperature };
