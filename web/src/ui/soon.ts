// A signal that follows another once it has been quiet for a while.
import { createEffect, createSignal, onCleanup, type Accessor } from "solid-js";

export function soon<T>(source: Accessor<T>, quietMs: number): Accessor<T> {
  const [value, set] = createSignal(source());
  createEffect(() => {
    const next = source();
    const timer = setTimeout(() => set(() => next), quietMs);
    onCleanup(() => clearTimeout(timer));
  });
  return value;
}
