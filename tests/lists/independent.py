"""Compares lists of customers with an independent computation.

    python3 tests/lists/independent.py target/debug/commlog online-retail.csv.gz hillstrom.csv.gz

The first file has order lines (InvoiceNo, StockCode, Quantity, InvoiceDate, UnitPrice, CustomerID, Country), the second one customers with
attributes (recency, history, mens, womens, zip_code, newbie, channel, segment, visit, conversion, spend). Both are imported into new
stores, and each question is asked of `commlog lists preview --ids` and of plain Python over the files. Needs nothing but Python 3.9.
"""

import collections
import csv
import datetime
import decimal
import gzip
import json
import os
import subprocess
import sys
import tempfile
import zoneinfo

BINARY = os.path.abspath(sys.argv[1])
LONDON = zoneinfo.ZoneInfo("Europe/London")
UTC = datetime.timezone.utc


def rows(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8", errors="replace", newline="") as file:
        yield from csv.DictReader(file)


class Store:
    def __init__(self, folder):
        self.environment = {**os.environ, "COMMLOG_DATA_DIR": folder}

    def run(self, *arguments):
        done = subprocess.run([BINARY, *arguments], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"commlog {' '.join(arguments)}\n{done.stderr}")
        return done.stdout

    def names(self):
        """The numbers of the files, by commlog's ids."""
        sql = "SELECT customer_id, external_id FROM v_customers_personal"
        lines = self.run("sql", "--personal", "--format", "jsonl", sql).splitlines()
        found = (json.loads(line) for line in lines)
        return {row["customer_id"]: row["external_id"] for row in found if row["external_id"]}

    def meeting(self, names, criteria, at=None):
        moment = ["--at", at.isoformat()] if at else []
        ids = self.run("lists", "preview", json.dumps(criteria), "--ids", *moment).split()
        return {names[each] for each in ids}


def compare(asked, found, expected):
    verdict = "equal" if found == expected else f"DIFFERENT: {len(found - expected)} too many, {len(expected - found)} missing"
    print(f"{len(expected):7} {verdict:10} {asked}", flush=True)
    return found == expected


def orders(path):
    """The orders of each customer, and everybody's territory."""
    invoices, territories = {}, {}
    for row in rows(path):
        customer = row["CustomerID"].split(".")[0]
        if not customer:
            continue
        territories[customer] = row["Country"]
        local = datetime.datetime.strptime(row["InvoiceDate"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=LONDON)
        invoice = invoices.setdefault(row["InvoiceNo"], [customer, local.astimezone(UTC), decimal.Decimal(0), set()])
        invoice[2] += decimal.Decimal(row["UnitPrice"]) * decimal.Decimal(row["Quantity"])
        invoice[3].add(row["StockCode"])
    return invoices, territories


def retail(path):
    invoices, territories = orders(path)
    right = True
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        people = os.path.join(folder, "people.csv")
        with open(people, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "territory"])
            writer.writerows(sorted(territories.items()))
        store.run("import", "customers", people)
        store.run("import", "orders", path, "--currency", "GBP", "--anonymous", "--time-zone", "Europe/London")
        names, everybody = store.names(), set(territories)
        for day in ["2011-03-01", "2011-06-30", "2011-12-10"]:
            at = datetime.datetime.fromisoformat(day).replace(tzinfo=UTC)
            past = [invoice for invoice in invoices.values() if invoice[1] <= at]
            revenue, bought = collections.Counter(), collections.defaultdict(set)
            ordered = collections.defaultdict(list)
            for customer, when, amount, articles in past:
                revenue[customer] += amount
                if amount >= 0:
                    ordered[customer].append(when)
                    for article in articles:
                        bought[article].add(customer)
            since = {days: at - datetime.timedelta(days=days) for days in (30, 90)}
            late = {days: {who for who, all in ordered.items() if any(when > since[days] for when in all)} for days in since}
            germany = {who for who, where in territories.items() if where == "Germany"}
            rich = {who for who, sum in revenue.items() if sum >= 1000}
            often = {who for who, all in ordered.items() if sum(when > since[90] for when in all) >= 3}
            for criteria, expected in [
                ({"all_in_territory": {"territory": "Germany"}}, germany),
                ({"high_value": {"minRevenue": 1000}}, rich),
                ({"ordered_product": {"skuId": "85123A"}}, bought["85123A"]),
                ({"no_order_in_days": {"days": 30}}, everybody - late[30]),
                ({"no_order_in_days": {"days": 90, "orderedBefore": True}}, set(ordered) - late[90]),
                ({"orders": {"atLeast": 3, "withinDays": 90}}, often),
                ({"all": [{"high_value": {"minRevenue": 1000}}, {"not": {"all_in_territory": {"territory": "Germany"}}}]}, rich - germany),
                ({"any": [{"ordered_product": {"skuId": "22423"}}, {"orders": {"atLeast": 3, "withinDays": 90}}]}, bought["22423"] | often),
            ]:
                right &= compare(f"{day} {json.dumps(criteria)}", store.meeting(names, criteria, at), expected)
    return right


def hillstrom(path):
    customers = {f"H{number}": row for number, row in enumerate(rows(path))}
    right = True
    with tempfile.TemporaryDirectory() as folder:
        store = Store(folder)
        people = os.path.join(folder, "people.csv")
        fields = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel", "segment", "visit", "spend"]
        with open(people, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", *fields])
            writer.writerows([name, *(row[field] for field in fields)] for name, row in customers.items())
        maps = [part for field in fields for part in ("--map", f"{field}=attribute.{field}")]
        store.run("import", "customers", people, *maps)
        names = store.names()

        def who(test):
            return {name for name, row in customers.items() if test(row)}

        def number(row, field):
            return float(row[field])

        for criteria, expected in [
            ({"custom": {"zip_code": "Rural"}}, who(lambda row: row["zip_code"] == "Rural")),
            ({"custom": {"channel": ["Phone", "Web"], "mens": 1}}, who(lambda row: row["channel"] in ("Phone", "Web") and row["mens"] == "1")),
            ({"field": {"name": "history", "min": 200, "max": 350}}, who(lambda row: 200 <= number(row, "history") <= 350)),
            ({"field": {"name": "segment", "contains": "E-MAIL"}}, who(lambda row: "e-mail" in row["segment"].lower())),
            ({"not": {"custom": {"newbie": 1}}}, who(lambda row: row["newbie"] != "1")),
            (
                {"all": [{"field": {"name": "recency", "max": 3}}, {"any": [{"custom": {"mens": 1}}, {"custom": {"womens": 1}}]}]},
                who(lambda row: number(row, "recency") <= 3 and "1" in (row["mens"], row["womens"])),
            ),
            (
                {"all": [{"field": {"name": "spend", "min": 0.01}}, {"not": {"custom": {"channel": "Multichannel"}}}]},
                who(lambda row: number(row, "spend") >= 0.01 and row["channel"] != "Multichannel"),
            ),
            ({"field": {"name": "zip_code", "in": ["Urban", "Rural"]}}, who(lambda row: row["zip_code"] in ("Urban", "Rural"))),
            (
                {"any": [{"all": [{"custom": {"visit": 1}}, {"custom": {"zip_code": "Urban"}}]}, {"field": {"name": "history", "min": 1500}}]},
                who(lambda row: (row["visit"] == "1" and row["zip_code"] == "Urban") or number(row, "history") >= 1500),
            ),
            (
                {"all": [{"custom": {"segment": "No E-Mail"}}, {"field": {"name": "nothing", "exists": False}}, {"not": {"field": {"name": "recency", "min": 2, "max": 11}}}]},
                who(lambda row: row["segment"] == "No E-Mail" and not 2 <= number(row, "recency") <= 11),
            ),
        ]:
            right &= compare(json.dumps(criteria), store.meeting(names, criteria), expected)
    return right


if __name__ == "__main__":
    equal = retail(sys.argv[2])
    if len(sys.argv) > 3:
        equal &= hillstrom(sys.argv[3])
    sys.exit(0 if equal else 1)
