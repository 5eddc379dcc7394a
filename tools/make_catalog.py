#!/usr/bin/env python3
"""Refreshes the figures of data/catalog.json: usage:

    pip download --no-deps litellm && unzip litellm-*.whl 'litellm/model_prices*'
    make_catalog.py --litellm litellm/model_prices_and_context_window_backup.json --source "litellm 1.109.1" --date 2026-11-22

Which models there are, who made them and what they take is kept by hand in the file itself. A price whose "from" is
"litellm:KEY" gets the figures of that key: whole price rows are made anew, and so are context and output of models that
name it as their source. Names of the same model with a date behind them join its row if they cost the same, else they get
a row of their own. A figure that the source does not have, or has as 0 beside others, is left out: unknown."""

import argparse
import json
import re
from decimal import Decimal
from pathlib import Path

CATALOG = Path(__file__).resolve().parent.parent / "data" / "catalog.json"
FIELDS = ("id name maker class level open licence input output tools thinking retired ends context max_output source date context_from "
          "no_api no_api_zh nearest prices").split()
DATE = re.compile(r"-(\d{8}|\d{4}-\d{2}-\d{2})$")
TOKENS = {"input": "input_cost_per_token", "output": "output_cost_per_token", "cache_read": "cache_read_input_token_cost",
          "cache_write": "cache_creation_input_token_cost", "cache_write_1h": "cache_creation_input_token_cost_above_1hr"}
UNITS = {"image": ("output_cost_per_image", "input_cost_per_image"),
         "second": ("output_cost_per_video_per_second", "output_cost_per_second", "input_cost_per_second")}


def dollars(value, times=1):
    """The number as it is written, times a power of ten, without a tail of binary noise."""
    exact = (Decimal(repr(value)) * times).quantize(Decimal("0.000001")).normalize()
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def tier(entry, suffix):
    found = {}
    for name, field in TOKENS.items():
        value = entry.get(field + suffix)
        if value:
            found[name] = dollars(value, 10**6)
    return found


def over(entry):
    """The steps of a price that grows with the prompt, the lowest first."""
    above = sorted(int(m[1]) for m in (re.fullmatch(r"input_cost_per_token_above_(\d+)k_tokens", field) for field in entry) if m)
    if above:
        return [{"above": k * 1000, **tier(entry, f"_above_{k}k_tokens")} for k in above]
    steps = sorted(entry.get("tiered_pricing", []), key=lambda step: step["range"][0])
    return [{"above": int(step["range"][0]), **tier(step, "")} for step in steps[1:]]


def figures(entry):
    steps = sorted(entry.get("tiered_pricing", []), key=lambda step: step["range"][0])
    row = {"tokens": tier(entry, "") or (tier(steps[0], "") if steps else {}), "batch": tier(entry, "_batches"), "over": over(entry)}
    for name, fields in UNITS.items():
        if name == "image" and entry.get("mode") == "video_generation":
            continue  # of a picture that a film begins with
        row[name] = next((dollars(entry[field]) for field in fields if entry.get(field)), None)
    if entry.get("input_cost_per_character"):
        row["million_characters"] = dollars(entry["input_cost_per_character"], 10**6)
    if entry.get("input_cost_per_image_token"):
        row["image_tokens"] = {"input": dollars(entry["input_cost_per_image_token"], 10**6)}
    if entry.get("output_cost_per_image_token"):
        row.setdefault("image_tokens", {})["output"] = dollars(entry["output_cost_per_image_token"], 10**6)
    return {name: value for name, value in row.items() if value}


def name_of(key):
    """A house's own name of a model: the key without the table's name of the house."""
    return key.split("/", 1)[1] if "/" in key else key


def dated(table, key):
    """{key: entry} of the same model with a date behind its name."""
    house = table[key].get("litellm_provider")
    return {other: entry for other, entry in table.items()
            if other != key and DATE.sub("", other) == key and entry.get("litellm_provider") == house}


def price_rows(table, house, key, source, date):
    """A row for each set of figures among the names of one model, the plain name first."""
    rows = []
    for name, entry in {key: table[key], **dated(table, key)}.items():
        found = figures(entry)
        same = next((row for row in rows if row[1] == found), None)
        if same:
            same[0]["models"] += [name_of(name)] if name_of(name) not in same[0]["models"] else []
        elif found:
            rows.append(({"house": house, "models": [name_of(name)]}, found, name))
    return [{**head, **found, "source": source, "date": date, "from": f"litellm:{name}"} for head, found, name in rows]


def refresh(model, table, source, date):
    rows, done = [], set()
    for price in model.get("prices", []):
        key = price["from"].removeprefix("litellm:")
        key = key if key not in table or DATE.sub("", key) not in table else DATE.sub("", key)
        if not price["from"].startswith("litellm:") or key not in table:
            print(f"{model['id']}: the row of {price['from']} stays as it was on {price['date']}")
            rows.append(price)
            continue
        if (price["house"], key) in done:
            continue
        done.add((price["house"], key))
        rows += price_rows(table, price["house"], key, source, date)
        if model.get("context_from", price["from"]) == price["from"]:
            take_sizes(model, table[key], price["from"], source, date)
    if "prices" in model:
        model["prices"] = rows


def take_sizes(model, entry, origin, source, date):
    sizes = {"context": entry.get("max_input_tokens"), "max_output": entry.get("max_output_tokens")}
    if not any(isinstance(value, int) and value > 0 for value in sizes.values()):
        return
    for name, value in sizes.items():
        model.pop(name, None)
        if isinstance(value, int) and value > 0:
            model[name] = value
    if entry.get("deprecation_date"):
        model["ends"] = entry["deprecation_date"]
    model.update(context_from=origin, source=source, date=date)


def write(catalog, path):
    """One model a line, its fields always in the same order, so that a change reads as what it is."""
    ordered = [{name: model[name] for name in FIELDS if name in model} for model in catalog.pop("models")]
    models = ",\n".join("  " + json.dumps(model, ensure_ascii=False) for model in ordered)
    head = json.dumps(catalog, ensure_ascii=False, indent=1).removesuffix("\n}")
    path.write_text(f'{head},\n "models": [\n{models}\n ]\n}}\n', encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--litellm", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--date", required=True)
    options = parser.parse_args()
    table = json.loads(options.litellm.read_text(encoding="utf-8"))
    catalog = json.loads(CATALOG.read_text(encoding="utf-8"))
    catalog["date"] = options.date
    for model in catalog["models"]:
        refresh(model, table, options.source, options.date)
    write(catalog, CATALOG)


if __name__ == "__main__":
    main()
