// Formulas: $$…$$ and \[…\] as blocks, $…$ and \(…\) in a line. A dollar opens only before ink and closes only after ink
// and before something that is no digit, so that "$5 and $10" stays money. The source goes into an attribute; Temml turns
// it into MathML once it is on the page (formulas.ts).
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

const inlineMath = (state: StateInline, silent: boolean): boolean => {
  const { src, pos } = state;
  const found = src.startsWith("\\(", pos) ? bracketed(src, pos) : src[pos] === "$" ? dollars(src, pos) : undefined;
  if (!found || found.end > state.posMax) return false;
  if (!silent) {
    const token = state.push("math", "span", 0);
    token.content = found.tex;
    token.meta = { display: found.display };
  }
  state.pos = found.end;
  return true;
};

interface Found {
  tex: string;
  end: number;
  display: boolean;
}

function bracketed(src: string, pos: number): Found | undefined {
  const close = src.indexOf("\\)", pos + 2);
  return close < 0 ? undefined : { tex: src.slice(pos + 2, close), end: close + 2, display: false };
}

function dollars(src: string, pos: number): Found | undefined {
  const mark = src.startsWith("$$", pos) ? "$$" : "$";
  const from = pos + mark.length;
  if (mark === "$" && /\s|^$/.test(src[from] ?? "")) return undefined;
  for (let close = src.indexOf(mark, from); close > from; close = src.indexOf(mark, close + 1)) {
    const escaped = src[close - 1] === "\\";
    const money = mark === "$" && (/\s/.test(src[close - 1]!) || /\d/.test(src[close + 1] ?? ""));
    if (!escaped && !money) return { tex: src.slice(from, close), end: close + mark.length, display: mark === "$$" };
  }
  return undefined;
}

const blockMath = (state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean => {
  const start = state.bMarks[startLine]! + state.tShift[startLine]!;
  const open = state.src.slice(start, start + 2);
  if (open !== "$$" && open !== "\\[") return false;
  const close = open === "$$" ? "$$" : "\\]";
  for (let line = startLine; line < endLine; line++) {
    const end = state.eMarks[line]!;
    const text = state.src.slice(line === startLine ? start + 2 : state.bMarks[line]!, end).trimEnd();
    if (line > startLine && text.trim() === "") return false; // a formula has no empty line: the delimiter was no formula
    if (!text.endsWith(close)) continue;
    if (silent) return true;
    const token = state.push("math", "div", 0);
    token.block = true;
    token.content = state.src.slice(start + 2, end).trimEnd().slice(0, -2).trim();
    token.meta = { display: true };
    token.map = [startLine, line + 1];
    state.line = line + 1;
    return true;
  }
  return false;
};

export function math(parser: MarkdownIt): void {
  parser.inline.ruler.before("escape", "math", inlineMath);
  parser.block.ruler.before("fence", "math", blockMath, { alt: ["paragraph", "reference", "blockquote", "list"] });
  parser.renderer.rules.math = (tokens, at) => {
    const token = tokens[at]!;
    const { escapeHtml } = parser.utils;
    const tag = token.block ? "div" : "span";
    const kind = token.meta?.display ? "math display" : "math";
    return `<${tag} class="${kind}" title="${escapeHtml(token.content)}">${escapeHtml(token.content)}</${tag}>`;
  };
}
