// The program's own catalog as it lies in the repository, and one model of this machine.
import { readFileSync } from "node:fs";

const file = new URL("../../data/catalog.json", import.meta.url);
const local = { id: "local/gemma3:270m", name: "gemma3:270m", maker: "local", class: "language", open: "weights", input: ["text"], output: ["text"], context: 32768 };

const catalog = () => {
  const { date, models } = JSON.parse(readFileSync(file, "utf8"));
  return { date, models: [...models, local] };
};

export const catalogRoutes = (at) => [["GET", at("/page/catalog"), catalog]];
