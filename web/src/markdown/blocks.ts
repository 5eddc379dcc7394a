// Cuts Markdown into its top-level blocks, so that only the growing end of an answer is parsed and painted again.
import type { Env, Token } from "markdown-it";
import { parser } from "./parser";

export interface Block {
  start: number; // where its source begins
  firstLineEnds: boolean; // a later block is certain only when its first line is whole: "2" may become "2." and join a list
  html: string;
  fence?: { info: string; text: string };
}

export function blocksOf(source: string, env: Env): Block[] {
  const tokens = parser.parse(source, env);
  const lines = lineStarts(source);
  const blocks: Block[] = [];
  for (let from = 0; from < tokens.length; ) {
    const to = endOfGroup(tokens, from);
    const first = tokens[from]!;
    const start = lines[first.map?.[0] ?? 0] ?? 0;
    const block: Block = { start, firstLineEnds: source.indexOf("\n", start) >= 0, html: "" };
    if (first.type === "fence") block.fence = { info: first.info.trim(), text: first.content };
    else block.html = parser.renderer.render(tokens.slice(from, to), parser.options, env);
    blocks.push(block);
    from = to;
  }
  return blocks;
}

function endOfGroup(tokens: Token[], from: number): number {
  let depth = 0;
  let at = from;
  do depth += tokens[at++]!.nesting;
  while (depth > 0 && at < tokens.length);
  return at;
}

function lineStarts(source: string): number[] {
  const starts = [0];
  for (let at = source.indexOf("\n"); at >= 0; at = source.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}
