# Lists a folder, reads every invoice in it at once (CSV, JSON, text), totals them, writes two reports and checks them.
import asyncio
import csv
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import PurePath


class Currency(Enum):
    EUR = "EUR"
    USD = "USD"


@dataclass
class Line:
    item: str
    quantity: int
    price: Decimal


@dataclass
class Invoice:
    id: str
    customer: str
    currency: Currency
    lines: list[Line]

    @property
    def total(self) -> Decimal:
        return sum((line.quantity * line.price for line in self.lines), Decimal("0.00"))


folder, reports = input["folder"], input["reports"]


# invoice,customer,currency,item,quantity,unit_price
def from_csv(text: str) -> Invoice:
    rows = list(csv.DictReader(text.strip().splitlines()))
    lines = [Line(row["item"], int(row["quantity"]), Decimal(row["unit_price"])) for row in rows]
    return Invoice(rows[0]["invoice"], rows[0]["customer"], Currency(rows[0]["currency"]), lines)


def from_json(text: str) -> Invoice:
    read = json.loads(text)
    lines = [Line(line["item"], line["quantity"], Decimal(str(line["unit_price"]))) for line in read["lines"]]
    return Invoice(read["invoice"], read["customer"], Currency(read["currency"]), lines)


# INVOICE 2026-003 / Customer: ... / Currency: ... / 2 x Stapler, red @ 14.50
def from_text(text: str) -> Invoice:
    def field(pattern: str) -> str:
        found = re.search(pattern, text, re.MULTILINE)
        return found[1].strip() if found else ""

    rows = re.findall(r"^(\d+) x (.+) @ ([\d.]+)$", text, re.MULTILINE)
    lines = [Line(item, int(quantity), Decimal(price)) for quantity, item, price in rows]
    return Invoice(field(r"^INVOICE (.+)$"), field(r"^Customer: (.+)$"), Currency(field(r"^Currency: (.+)$")), lines)


readers = {".csv": from_csv, ".json": from_json, ".txt": from_text}


async def read_invoice(name: str) -> Invoice:
    reply = await tools.filesystem.read_text_file(path=f"{folder}/{name}")
    return readers[PurePath(name).suffix](reply["content"])


listing = await tools.filesystem.list_directory(path=folder)
names = sorted(re.findall(r"^\[FILE\] (.+)$", listing["content"], re.MULTILINE))
known = [name for name in names if PurePath(name).suffix in readers]
print(f"{len(names)} files, {len(known)} of them invoices")

invoices = await asyncio.gather(*map(read_invoice, known))

totals = defaultdict(Decimal)
customers = defaultdict(lambda: defaultdict(Decimal))
for invoice in invoices:
    code = invoice.currency.value
    print(f"{invoice.id}  {invoice.customer:10} {invoice.total:10.2f} {code}")
    totals[code] += invoice.total
    customers[invoice.customer][code] += invoice.total


def written(sums: dict[str, Decimal]) -> dict[str, str]:
    return {code: f"{total:.2f}" for code, total in sorted(sums.items())}


summary = {
    "invoices": len(invoices),
    "totals": written(totals),
    "customers": {name: written(sums) for name, sums in sorted(customers.items())},
}
table = [
    f"| {name} | {code} | {total} |" for name, sums in summary["customers"].items() for code, total in sums.items()
]

await tools.filesystem.create_directory(path=reports)
async with asyncio.TaskGroup() as writing:
    report = "\n".join(["| customer | currency | total |", "|---|---|---:|", *table, ""])
    writing.create_task(tools.filesystem.write_file(path=f"{reports}/summary.json", content=json.dumps(summary, indent=2)))
    writing.create_task(tools.filesystem.write_file(path=f"{reports}/summary.md", content=report))

# A failed call is an error like any other.
try:
    await tools.filesystem.read_text_file(path=f"{folder}/2026-999.csv")
except ToolError as error:
    print(f"as expected: {type(error).__name__} for an invoice that does not exist")
return summary
