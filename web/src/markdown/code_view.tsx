// A block of code with its language, and copy, wrap and download. While it grows only text is appended, a part of some
// hundred lines at a time, so that a long listing is not laid out anew for each token; colours come when it is whole.
import { createSignal, Show } from "solid-js";
import { render } from "solid-js/web";
import { setWrapCode, wrapCode } from "../state/preferences";
import { IconCopy, IconDownload, IconWrap } from "../ui/icons";
import { copyText, saveFile } from "../ui/save";
import { t } from "../words/words";

export interface CodeView {
  write(text: string): void;
  finish(): void;
  dispose(): void;
}

const partLength = 8_000; // characters of one part
const colouredLength = 120_000; // beyond it colouring would hold up the page

export function mountCode(holder: HTMLElement, info: string, initial: string): CodeView {
  const language = info.split(/\s+/)[0]?.toLowerCase() ?? "";
  const code = document.createElement("code");
  code.dir = "ltr";
  let text = "";
  let part: Text | undefined;

  const append = (more: string): void => {
    for (let at = 0; at < more.length; ) {
      const full = part && part.data.length >= partLength && text.endsWith("\n");
      if (!part || full) {
        const piece = document.createElement("span");
        piece.className = "part";
        part = piece.appendChild(document.createTextNode(""));
        code.append(piece);
      }
      const room = Math.max(partLength - part.data.length, 0);
      const newline = more.indexOf("\n", at + room);
      const next = newline < 0 ? more.length : newline + 1;
      part.appendData(more.slice(at, next));
      text += more.slice(at, next);
      at = next;
    }
  };
  const write = (next: string): void => {
    if (next.startsWith(text)) return append(next.slice(text.length));
    code.replaceChildren();
    text = "";
    part = undefined;
    append(next);
  };
  const finish = (): void => {
    if (!language || text.length > colouredLength) return;
    void import("./highlight").then(({ highlight }) => {
      const coloured = highlight(text, language);
      if (coloured !== undefined) code.innerHTML = coloured;
    });
  };
  write(initial);
  const unmount = render(() => <CodeFrame language={language} code={code} text={() => text} />, holder);
  return { write, finish, dispose: unmount };
}

function CodeFrame(props: { language: string; code: HTMLElement; text: () => string }) {
  const [lines, setLines] = createSignal(false);
  const save = () => saveFile(`code.${extensions[props.language] ?? (props.language || "txt")}`, new Blob([props.text()]));
  return (
    <figure class="code" classList={{ wrapped: wrapCode() }} onPointerEnter={() => setLines(true)}>
      <figcaption class="bar">
        <span class="bar-name">{props.language || t("code.plain")}</span>
        <Show when={lines()}>
          <span class="bar-note">{t("code.lines", { n: props.text().trimEnd().split("\n").length })}</span>
        </Show>
        <span class="spring" />
        <button type="button" class="tool" aria-pressed={wrapCode()} title={t("code.wrap")} aria-label={t("code.wrap")} onClick={() => setWrapCode(!wrapCode())}>
          <IconWrap />
        </button>
        <button type="button" class="tool" title={t("code.download")} aria-label={t("code.download")} onClick={save}>
          <IconDownload />
        </button>
        <button type="button" class="tool" title={t("code.copy")} aria-label={t("code.copy")} onClick={() => void copyText(props.text())}>
          <IconCopy />
        </button>
      </figcaption>
      <pre tabindex="0" aria-label={t("code.label", { language: props.language || t("code.plain") })}>
        {props.code}
      </pre>
    </figure>
  );
}

const extensions: Record<string, string> = {
  python: "py", javascript: "js", typescript: "ts", bash: "sh", shell: "sh", rust: "rs", ruby: "rb", markdown: "md",
  "c++": "cpp", csharp: "cs", kotlin: "kt", yaml: "yml", dockerfile: "Dockerfile", makefile: "mk", plaintext: "txt", text: "txt",
}; // prettier-ignore
