// Temml comes with the first formula. It builds nodes, not HTML, and with trust off it makes no links and no styles that
// the page's policy would refuse; a formula it cannot read stays visible as its source.
type Temml = typeof import("./temml");
let loading: Promise<Temml> | undefined;
let loaded: Temml | undefined;

export function setFormula(node: HTMLElement): void {
  if (loaded) return loaded.setMath(node);
  loading ??= import("./temml");
  void loading.then((temml) => {
    loaded = temml;
    temml.setMath(node);
  });
}
