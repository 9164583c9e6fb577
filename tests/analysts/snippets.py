"""Follows docs/analysts.md with DuckDB and pandas. Run by `make analysts`: snippets.py COMMLOG"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMLOG = pathlib.Path(sys.argv[1]).resolve()

CUSTOMERS = "customer,name,email\nk1,Ann Lee,ann@example.com\nk2,Bob Ray,bob@example.org\n"
ORDERS = (
    "order,date,customer,sku,quantity,price\n"
    "o1,2026-01-05 10:00:00,k1,A,2,10.50\no1,2026-01-05 10:00:00,k1,B,1,4.25\n"
    "o2,2026-02-07 11:30:00,k1,A,1,10.50\no3,2026-02-09 09:15:00,k2,A,3,1000.10\n"
)


def blocks(language):
    """The page's blocks of a language, in order."""
    page = (ROOT / "docs/analysts.md").read_text()
    found = re.findall(r"^```" + language + r"\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found, f"docs/analysts.md has no block of {language}"
    return found


def commlog(*arguments):
    subprocess.run([COMMLOG, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(script):
    """Runs Python as a person would, and returns what it printed."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    return done.stdout


def expect(what, printed, *parts):
    for part in parts:
        assert part in printed, f"{what}: {part!r} is not in\n{printed}"
    print(f"ok  {what}")


def attached():
    """The page's SQL, over every view of the SQLite file; the extension comes from the wheel instead of the network."""
    import duckdb
    import duckdb_extension_sqlite_scanner as extension

    folder = pathlib.Path(extension.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    connection = duckdb.connect()
    connection.execute(f"LOAD '{folder / 'sqlite_scanner.duckdb_extension'}'")
    rows = connection.execute(blocks("sql")[0]).fetchall()
    assert rows == [("EUR", 3036.05)], rows
    views = connection.execute("SELECT view_name FROM duckdb_views() WHERE database_name = 'live'").fetchall()
    assert len(views) > 30, views
    for (view,) in views:
        connection.execute(f"FROM live.{view}").fetchall()
    joined = "SELECT count(*), sum(l.quantity) FROM live.v_activities a JOIN live.v_activity_lines l USING (activity_id)"
    assert connection.execute(joined).fetchall() == [(4, 7.0)]
    return f"{len(views)} views"


def exported():
    """Every file of an export, with the types that docs/tables.md promises."""
    import duckdb

    for file in sorted(pathlib.Path("tables").glob("*.parquet")):
        duckdb.sql(f"FROM '{file}'").fetchall()
    described = duckdb.sql("DESCRIBE FROM 'tables/v_customer_totals.parquet'").fetchall()
    types = {row[0]: row[1] for row in described}
    assert types["revenue"] == "DECIMAL(38,6)" and types["first_order_at"] == "TIMESTAMP WITH TIME ZONE", types
    return duckdb.sql("SELECT max(revenue) FROM 'tables/v_customer_totals.parquet'").fetchone()[0]


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    pathlib.Path("crm.csv").write_text(CUSTOMERS)
    pathlib.Path("orders.csv").write_text(ORDERS)
    commlog("import", "customers", "crm.csv")
    commlog("import", "orders", "orders.csv", "--currency", "EUR", "--time-zone", "UTC")
    commlog("export", "tables", "--into", "tables", "--without-personal-data")
    expect("sqlite3", run(blocks("python")[0]), "2026-01 EUR 25.25", "2026-02 EUR 3010.8")
    expect("pandas", " ".join(run(blocks("python pandas")[0]).split()), "2026-01 EUR 25.25", "2026-02 EUR 3010.80")
    expect("duckdb", run(blocks("python duckdb")[0]), "2026-01", "EUR", "25.25", "3010.8")
    expect("duckdb attaches the file", attached(), "views")
    expect("every file of an export", str(exported()), "3000.300000")
