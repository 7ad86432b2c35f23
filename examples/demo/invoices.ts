// Lists a folder, reads every invoice in it at once (CSV, JSON, text), totals them, writes two reports and checks them.
enum Currency {
  EUR = "EUR",
  USD = "USD",
}

interface Line {
  item: string;
  quantity: number;
  cents: number;
}

interface Invoice {
  id: string;
  customer: string;
  currency: Currency;
  lines: Line[];
}

const { folder, reports } = input as { folder: string; reports: string };

const cents = (amount: string | number): number => Math.round(Number(amount) * 100);
const money = (amount: number): string => (amount / 100).toFixed(2);

function currency(text: string): Currency {
  if (text in Currency) return text as Currency;
  throw new Error(`unknown currency ${text}`);
}

// invoice,customer,currency,item,quantity,unit_price
function fromCsv(text: string): Invoice {
  const rows = text.trim().split("\n").slice(1).map((row) => row.split(","));
  const [id, customer, code] = rows[0];
  const lines = rows.map(([, , , item, quantity, price]) => ({ item, quantity: Number(quantity), cents: cents(price) }));
  return { id, customer, currency: currency(code), lines };
}

function fromJson(text: string): Invoice {
  const { invoice, customer, currency: code, lines } = JSON.parse(text);
  return {
    id: invoice,
    customer,
    currency: currency(code),
    lines: lines.map((line: any) => ({ item: line.item, quantity: line.quantity, cents: cents(line.unit_price) })),
  };
}

// INVOICE 2026-003 / Customer: ... / Currency: ... / 2 x Stapler, red @ 14.50
function fromText(text: string): Invoice {
  const field = (pattern: RegExp): string => pattern.exec(text)?.[1].trim() ?? "";
  const lines = [...text.matchAll(/^(\d+) x (.+) @ ([\d.]+)$/gm)].map(([, quantity, item, price]) => ({
    item,
    quantity: Number(quantity),
    cents: cents(price),
  }));
  return {
    id: field(/^INVOICE (.+)$/m),
    customer: field(/^Customer: (.+)$/m),
    currency: currency(field(/^Currency: (.+)$/m)),
    lines,
  };
}

const readers: Record<string, (text: string) => Invoice> = { csv: fromCsv, json: fromJson, txt: fromText };
const ending = (name: string): string => name.slice(name.lastIndexOf(".") + 1);

const listing = await tools.filesystem.list_directory({ path: folder });
const names = [...listing.content.matchAll(/^\[FILE\] (.+)$/gm)].map(([, name]) => name).sort();
const known = names.filter((name) => ending(name) in readers);
console.log(`${names.length} files, ${known.length} of them invoices`);

const invoices = await Promise.all(
  known.map(async (name) => {
    const { content } = await tools.filesystem.read_text_file({ path: `${folder}/${name}` });
    return readers[ending(name)](content);
  }),
);

const totals: Record<string, number> = {};
const customers: Record<string, Record<string, number>> = {};
for (const { id, customer, currency: code, lines } of invoices) {
  const total = lines.reduce((sum, line) => sum + line.quantity * line.cents, 0);
  console.log(`${id}  ${customer.padEnd(10)} ${money(total).padStart(10)} ${code}`);
  totals[code] = (totals[code] ?? 0) + total;
  customers[customer] ??= {};
  customers[customer][code] = (customers[customer][code] ?? 0) + total;
}

const written = (sums: Record<string, number>) =>
  Object.fromEntries(Object.entries(sums).sort().map(([code, sum]) => [code, money(sum)]));
const summary = {
  invoices: invoices.length,
  totals: written(totals),
  customers: Object.fromEntries(Object.entries(customers).sort().map(([name, sums]) => [name, written(sums)])),
};
const table = Object.entries(summary.customers).flatMap(([name, sums]) =>
  Object.entries(sums).map(([code, sum]) => `| ${name} | ${code} | ${sum} |`),
);

await tools.filesystem.create_directory({ path: reports });
await Promise.all([
  tools.filesystem.write_file({ path: `${reports}/summary.json`, content: JSON.stringify(summary, null, 2) }),
  tools.filesystem.write_file({
    path: `${reports}/summary.md`,
    content: ["| customer | currency | total |", "|---|---|---:|", ...table, ""].join("\n"),
  }),
]);

// A failed call is an error like any other.
try {
  await tools.filesystem.read_text_file({ path: `${folder}/2026-999.csv` });
} catch (error) {
  console.log(`as expected: ${(error as Error).name} for an invoice that does not exist`);
}
return summary;
