"""Compares the groups of a campaign out of a CSV file with one line for each customer, as `commlog campaign effects` should.

    python3 tests/campaigns/effects.py FILE --arm COLUMN --hold-out VALUE [--success COLUMN] [--spend COLUMN]

Prints JSON: for each group its customers, successes, share, Wilson's interval and spend per customer, and beside the hold-out the
difference of the shares (Newcombe's method 10), the lift (Katz), the p-value of the two-proportion test, and the difference of the
spend per customer (Welch), all at 95 %. Without --success, whoever spent anything is a success.

Written from the published formulas, not from commlog. Sums are exact; needs nothing but Python 3.9.
"""

import argparse
import csv
import fractions
import gzip
import json
import math
import statistics

Z = statistics.NormalDist().inv_cdf(0.975)


def lines(path):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def wilson(successes, customers):
    share, square = successes / customers, Z * Z
    middle = (share + square / (2 * customers)) / (1 + square / customers)
    half = Z * math.sqrt(share * (1 - share) / customers + square / (4 * customers**2)) / (1 + square / customers)
    return [max(0.0, middle - half), min(1.0, middle + half)]


def variance(amounts):
    """With n - 1, exactly, and rounded once."""
    mean = sum(amounts) / len(amounts)
    return (sum(amount * amount for amount in amounts) - len(amounts) * mean * mean) / (len(amounts) - 1)


def described(amounts, successes):
    customers = len(amounts)
    return {
        "customers": customers,
        "successes": successes,
        "rate": successes / customers,
        "rate_interval": wilson(successes, customers),
        "revenue": str(float(sum(amounts))),
        "revenue_per_customer": float(sum(amounts) / customers),
    }


def beside(one, base):
    (amounts, successes), (base_amounts, base_successes) = one, base
    customers, base_customers = len(amounts), len(base_amounts)
    share, base_share = successes / customers, base_successes / base_customers
    difference = float(fractions.Fraction(successes, customers) - fractions.Fraction(base_successes, base_customers))
    (low, high), (base_low, base_high) = wilson(successes, customers), wilson(base_successes, base_customers)
    found = {
        "difference": difference,
        "difference_interval": [
            difference - math.sqrt((share - low) ** 2 + (base_high - base_share) ** 2),
            difference + math.sqrt((high - share) ** 2 + (base_share - base_low) ** 2),
        ],
    }
    if successes and base_successes:
        ratio = fractions.Fraction(successes * base_customers, customers * base_successes)
        error = math.sqrt(1 / successes - 1 / customers + 1 / base_successes - 1 / base_customers)
        found["lift"] = float(ratio - 1)
        found["lift_interval"] = [float(ratio) * math.exp(-Z * error) - 1, float(ratio) * math.exp(Z * error) - 1]
    pooled = fractions.Fraction(successes + base_successes, customers + base_customers)
    error = math.sqrt(pooled * (1 - pooled) * (fractions.Fraction(1, customers) + fractions.Fraction(1, base_customers)))
    found["p_value"] = math.erfc(abs(difference) / error / math.sqrt(2)) if error else 1.0
    money = float(sum(amounts) / customers - sum(base_amounts) / base_customers)
    error = math.sqrt(variance(amounts) / customers + variance(base_amounts) / base_customers)
    found["revenue_difference"] = money
    found["revenue_interval"] = [money - Z * error, money + Z * error]
    return found


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("file")
    arguments.add_argument("--arm", required=True)
    arguments.add_argument("--hold-out", required=True)
    arguments.add_argument("--success")
    arguments.add_argument("--spend")
    given = arguments.parse_args()
    groups = {}
    for line in lines(given.file):
        amounts, successes = groups.setdefault(line[given.arm].strip(), ([], []))
        amount = fractions.Fraction(line[given.spend].strip() or "0") if given.spend else fractions.Fraction(0)
        amounts.append(amount)
        done = line[given.success].strip() if given.success else amount > 0
        successes.append(done not in ("", "0", "no", False))
    counted = {name: (amounts, sum(successes)) for name, (amounts, successes) in groups.items()}
    base = counted[given.hold_out]
    found = {}
    for name, group in sorted(counted.items()):
        found[name] = described(*group)
        if name != given.hold_out:
            found[name].update(beside(group, base))
    print(json.dumps(found, indent=2))


main()
