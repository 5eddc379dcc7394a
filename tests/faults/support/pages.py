"""Conversations of the page, as the tests write and read them."""
from faults.support.process import ask, equal


def create(server, title):
    return ask(server, "POST", "/page/conversations", {"title": title})


def titles(server):
    """id -> title of all conversations."""
    found, before = {}, ""
    while True:
        page = ask(server, "GET", f"/page/conversations?limit=1000{before}")
        equal(page.status, 200, page)
        rows = page.json()["conversations"]
        fresh = {row["id"]: row["title"] for row in rows if row["id"] not in found}
        equal(len({row["id"] for row in rows}), len(rows), "a conversation twice")
        if not fresh:
            return found
        found.update(fresh)
        before = f"&before={min(row['updated'] for row in rows)}"
