// A conversation is a tree: an edit or another answer is a sibling. What is shown is the path from the root to one leaf.

export interface Link {
  id: string;
  parent: string | null;
}

export class Tree {
  private readonly parents = new Map<string, string | null>();
  private readonly children = new Map<string | null, string[]>();

  /** `links` in the order of creation. */
  constructor(links: readonly Link[]) {
    for (const { id, parent } of links) {
      this.parents.set(id, parent);
      const siblings = this.children.get(parent);
      if (siblings) siblings.push(id);
      else this.children.set(parent, [id]);
    }
  }

  pathTo(leaf: string | null): string[] {
    const path: string[] = [];
    const seen = new Set<string>(); // a circle in a foreign file must not hang the page
    for (let id = leaf; id !== null && this.parents.has(id) && !seen.has(id); id = this.parents.get(id) ?? null) {
      seen.add(id);
      path.push(id);
    }
    return path.reverse();
  }

  siblings(id: string): string[] {
    return this.children.get(this.parents.get(id) ?? null) ?? [id];
  }

  /** The newest end of the branch that goes through `id`. */
  newestLeaf(id: string): string {
    for (let next = this.children.get(id)?.at(-1); next !== undefined; next = this.children.get(id)?.at(-1)) id = next;
    return id;
  }
}
