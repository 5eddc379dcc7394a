// Paints a growing Markdown text into a host element. Blocks that can change no more are settled: never parsed, never
// touched again, so selections in them live on. Only the blocks after them are compared and replaced.
import type { Env } from "markdown-it";
import { blocksOf, type Block } from "./blocks";
import { mountCode, type CodeView } from "./code_view";
import { decorate } from "./decorate";
import { sanitise } from "./sanitise";

interface Painted {
  block: Block;
  node: HTMLElement;
  code?: CodeView;
  dispose: () => void;
}

export class Painter {
  private settled = "";
  private done: Painted[] = [];
  private live: Painted[] = [];
  private env: Env = {};

  constructor(private readonly host: HTMLElement) {}

  paint(text: string, finished: boolean): void {
    const source = text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    if (!source.startsWith(this.settled)) this.clear();
    const tail = source.slice(this.settled.length);
    const blocks = blocksOf(tail, this.env);
    this.replaceLive(blocks);
    this.settle(tail, blocks, finished);
    if (finished && this.env.references) this.resolveReferences(source);
  }

  clear(): void {
    for (const { dispose } of [...this.done, ...this.live]) dispose();
    this.host.replaceChildren();
    this.settled = "";
    this.done = [];
    this.live = [];
    this.env = {};
  }

  private replaceLive(blocks: Block[]): void {
    blocks.forEach((block, at) => {
      const old = this.live[at];
      if (old && update(old, block)) return;
      const next = create(block);
      if (old) {
        old.dispose();
        old.node.replaceWith(next.node);
      } else {
        this.host.append(next.node);
      }
      this.live[at] = next;
    });
    for (const { node, dispose } of this.live.splice(blocks.length)) {
      dispose();
      node.remove();
    }
  }

  private settle(tail: string, blocks: Block[], finished: boolean): void {
    let count = finished ? blocks.length : 0;
    if (!finished) while (count + 1 < blocks.length && blocks[count + 1]!.firstLineEnds) count++;
    for (const painted of this.live.splice(0, count)) {
      painted.code?.finish();
      this.done.push(painted);
    }
    this.settled += finished ? tail : tail.slice(0, count ? blocks[count]!.start : 0);
  }

  /** A link may be used before it is defined: once everything is known, all is painted again with the definitions. */
  private resolveReferences(source: string): void {
    const { references } = this.env;
    this.clear();
    this.replaceLive(blocksOf(source, { references }));
    for (const painted of this.live) painted.code?.finish();
    this.settled = source;
    this.done = this.live;
    this.live = [];
  }
}

function update(old: Painted, block: Block): boolean {
  if (old.code && block.fence && old.block.fence?.info === block.fence.info) {
    old.code.write(block.fence.text);
    old.block = block;
    return true;
  }
  return !block.fence && !old.code && old.block.html === block.html;
}

function create(block: Block): Painted {
  const node = document.createElement("div");
  node.className = "block";
  if (block.fence) {
    const code = mountCode(node, block.fence.info, block.fence.text);
    return { block, node, code, dispose: code.dispose };
  }
  node.append(sanitise(block.html));
  return { block, node, dispose: decorate(node) };
}
