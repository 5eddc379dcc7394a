// Markdown as answers use it. Raw HTML stays text; only absolute web and mail links are links; pictures are links too, since
// fetching one would tell a stranger that the answer was read; styles become classes, which the page's policy allows.
import MarkdownIt from "markdown-it";
import cjkFriendly from "markdown-it-cjk-friendly";
import { math } from "./math";

export const parser = new MarkdownIt({ html: false, linkify: true, breaks: true, langPrefix: "language-" });
parser.use(cjkFriendly).use(math);
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false });
parser.validateLink = (url) => /^(https?:\/\/|mailto:)/i.test(url.trim());

const escape = parser.utils.escapeHtml;
const elsewhere = 'target="_blank" rel="noopener noreferrer nofollow"';

parser.renderer.rules.link_open = (tokens, at) => {
  const token = tokens[at]!;
  const title = token.attrGet("title");
  return `<a href="${escape(String(token.attrGet("href") ?? ""))}" ${elsewhere}${title ? ` title="${escape(String(title))}"` : ""}>`;
};

parser.renderer.rules.image = (tokens, at) => {
  const token = tokens[at]!;
  const address = String(token.attrGet("src") ?? "");
  return `<a class="picture" href="${escape(address)}" ${elsewhere}>${escape(token.content || address)}</a>`;
};

const flowing = new Set(["paragraph", "heading", "list_item", "blockquote", "th", "td"].map((name) => `${name}_open`));

parser.core.ruler.push("direction_and_alignment", (state) => {
  for (const [at, token] of state.tokens.entries()) {
    // An element's automatic direction is not found in children that have their own: an item takes its first paragraph's.
    if (!flowing.has(token.type) || state.tokens[at - 1]?.type === "list_item_open") continue;
    token.attrSet("dir", "auto");
    const side = /text-align:(\w+)/.exec(String(token.attrGet("style") ?? ""))?.[1];
    if (!side) continue;
    token.attrs = token.attrs?.filter(([name]) => name !== "style") ?? null;
    token.attrJoin("class", `at-${side}`);
  }
});
