import temml from "temml";
import "temml/dist/Temml-Local.css";

const largestFormula = 20_000; // characters; no textbook formula comes near, and the work grows with the length

export function setMath(node: HTMLElement): void {
  const source = node.textContent ?? "";
  if (source.length > largestFormula) return;
  try {
    const target = document.createElement("span");
    temml.render(source, target, { displayMode: node.classList.contains("display"), trust: false, throwOnError: true, maxExpand: 1000 });
    node.replaceChildren(...target.childNodes);
  } catch {
    node.classList.add("unreadable");
  }
}
