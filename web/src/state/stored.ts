// A signal that survives a reload. Storage may be full or forbidden: then it lives as long as the page.
import { createSignal, type Accessor } from "solid-js";

export function stored<T>(name: string, initial: T): [Accessor<T>, (value: T) => void] {
  const [value, set] = createSignal<T>(read(name) ?? initial);
  return [
    value,
    (next: T) => {
      set(() => next);
      write(name, next);
    },
  ];
}

export function read<T>(name: string): T | undefined {
  try {
    const text = localStorage.getItem(`shenbi.${name}`);
    return text === null ? undefined : (JSON.parse(text) as T);
  } catch {
    return undefined;
  }
}

export function write(name: string, value: unknown): void {
  try {
    if (value === undefined || value === "") localStorage.removeItem(`shenbi.${name}`);
    else localStorage.setItem(`shenbi.${name}`, JSON.stringify(value));
  } catch {
    // a private window: nothing is kept
  }
}
