// A text field as tall as its text; its style sheet says where that ends.
import { onMount } from "solid-js";

export function growing(field: HTMLTextAreaElement): void {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
  };
  field.addEventListener("input", fit);
  onMount(fit);
}
