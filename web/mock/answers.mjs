// What the reciting model says: a word of the question chooses the piece.
const words = (text) => text.match(/\s*\S+|\s+$/g) ?? [];
const letters = (text) => [...text];

const table = `Here is a wide table.

| Model | Parameters | Quantisation | Context | Bytes | Prefill tokens/s | Decode tokens/s | Licence | Note |
|:--|--:|:--|--:|--:|--:|--:|:--|:--|
| gemma-3-270m | 268,098,176 | Q4_K_M | 32,768 | 253,118,016 | 2,140.5 | 96.4 | Gemma | base model, "small" |
| llama-3.2-1b | 1,235,814,400 | Q4_K_M | 131,072 | 807,694,464 | 640.1 | 31.7 | Llama | chat |
| qwen3-4b | 4,022,468,096 | Q5_K_M | 40,960 | 2,889,513,344 | 171.9 | 9.8 | Apache 2.0 | 思考，中文 |

The figures are invented.`;

const math = `The roots of $ax^2+bx+c=0$ are

$$x = \\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}$$

and \\(e^{i\\pi}+1=0\\) joins five constants. It costs $5 or $10, which is money.

\\[
\\operatorname{softmax}(z)_i = \\frac{e^{z_i}}{\\sum_{j=1}^{n} e^{z_j}}, \\qquad
A = \\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}
\\]
`;

const code = `A function that cuts text into words:

\`\`\`python
import re

def words(text: str) -> list[str]:
    """Cut text into words."""
    # Unicode letters, digits and underscores
    return [w.lower() for w in re.findall(r"\\w+", text) if len(w) > 1]

print(words("Hello, 世界! 42"))
\`\`\`

1. Save it as \`words.py\`.
2. Run it:
   \`\`\`bash
   python3 words.py | sort -u > words.txt
   \`\`\`
3. Read the result.

> It keeps the order of the text.
`;

const chinese = `**神笔**的故事讲的是马良。他画什么，什么就变成真的——**“画龙点睛”**不过如此。

## 三个要点

1. **勤奋：**他用树枝在沙地上画，用手指蘸水在石头上画。
2. **善良：**他只为穷人画。
3. **勇气：**皇帝要他画摇钱树，他画了一片**大海**。

行内代码 \`shenbi run\`，公式 $E=mc^2$，链接 [说明](https://example.com/docs)。`;

const xss = `Payloads that must stay text:

<script>alert(1)</script>
<img src=x onerror="alert(2)">
<svg onload=alert(3)></svg>
[a](javascript:alert(4)) [b](data:text/html,<script>alert(5)</script>) [c](vbscript:x)
![tracker](http://tracker.invalid/pixel.png) ![t2](//tracker.invalid/p.gif) <iframe src="http://tracker.invalid/"></iframe>
[ref]: javascript:alert(6)
[ref] and <a href="javascript:alert(7)">x</a> and $\\href{javascript:alert(8)}{x}$ and $\\includegraphics{http://tracker.invalid/m.png}$
<style>*{display:none}</style><form action="http://tracker.invalid/"><button>y</button></form>

\`\`\`"><img/src=x/onerror=alert(9)>
<b>code</b>
\`\`\`
`;

const rightToLeft = `مرحبا! هذه إجابة من اليمين إلى اليسار مع كلمة English في الوسط.

- البند الأول
- البند الثاني

Back in English.`;

const listing = `\`\`\`cpp\n${Array.from({ length: 5000 }, (_, i) => `int line_${i} = compute(${i}, "value ${i}");  // line ${i}`).join("\n")}\n\`\`\`\n`;

const plain =
  "Ma Liang was a poor boy who loved to draw. One night an old man gave him a brush, and whatever he drew with it became real. He drew tools for his neighbours, and never a coin for the rich.";

export function recitation(question) {
  const has = (word) => question.toLowerCase().includes(word);
  const pauseMs = 8;
  if (question.startsWith("echo")) return { pieces: question.slice(5).match(/[^]{1,97}/g) ?? [], pauseMs: 1 };
  if (has("slow")) return { pieces: words(Array(500).fill(plain).join("\n\n")), pauseMs: 60 }; // runs until it is stopped
  if (has("queue")) return { queue: [2, 1, 0], pieces: words(Array(500).fill(plain).join("\n\n")), pauseMs: 60 };
  if (has("priced")) return { pieces: words(plain), pauseMs, cost: 1_900_000 };
  if (has("priceless")) return { pieces: words(plain), pauseMs, cost: null };
  if (has("ponder")) return { thinking: words(Array(500).fill("Let me look at it from each side.").join(" ")), pieces: [], pauseMs: 30 };
  if (has("patient")) return { pieces: words(plain), pauseMs: 100 };
  if (has("table")) return { pieces: words(table), pauseMs };
  if (has("math")) return { pieces: words(math), pauseMs };
  if (has("code")) return { pieces: words(code), pauseMs };
  if (has("xss")) return { pieces: words(xss), pauseMs: 2 };
  if (has("listing")) return { pieces: listing.match(/[^]{1,400}/g), pauseMs: 1 };
  if (has("arabic")) return { pieces: words(rightToLeft), pauseMs };
  if (has("think")) return { thinking: words("The question is simple, but let me look at it from each side before I answer."), pieces: words(plain), pauseMs: 30 };
  if (has("fail")) return { pieces: words("It began well"), pauseMs, fault: "the model ran out of memory after 3 tokens" };
  if (has("length")) return { pieces: words("A long answer that was cut"), pauseMs, finish: "length" };
  if (has("warn")) return { pieces: words(plain), pauseMs, warning: "a tool call was malformed and is shown as text" };
  if (has("long")) return { pieces: words(Array.from({ length: 40 }, (_, i) => `Paragraph ${i + 1}. ${plain}`).join("\n\n")), pauseMs: 2 };
  if (/\p{Script=Han}/u.test(question)) return { pieces: letters(chinese), pauseMs: 5 };
  return { pieces: words(plain), pauseMs };
}
