// What a form in a dialog is made of: named fields in as many columns as there is room for.
import "./form.css";
import type { JSX } from "solid-js";

export const FormField = (props: { name: string; wide?: boolean; children: JSX.Element }) => (
  <label class="form-field" classList={{ "form-wide": props.wide }}>
    <span>{props.name}</span>
    {props.children}
  </label>
);
