// Stands in for the `entities` package in markdown-it: the browser knows the names of all characters already, and its
// table would be a fifth of the first load. It is asked for one reference at a time, such as "&hellip;".
const decoder = document.createElement("textarea");

export function decodeHTMLStrict(reference: string): string {
  decoder.innerHTML = reference;
  return decoder.value;
}
