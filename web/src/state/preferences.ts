// What one reader prefers on this device.
import type { Params } from "../api/types";
import { stored } from "./stored";

export type Theme = "system" | "light" | "dark";
type SendKey = "enter" | "mod-enter";

export const [theme, setTheme] = stored<Theme>("theme", "system");
export const [sendKey, setSendKey] = stored<SendKey>("send-key", "enter");
export const [params, setParams] = stored<Params>("params", {});
export const changedParams = (): number => Object.keys(params()).length;
export const [chosenModel, setChosenModel] = stored<string>("model", "");
export const [listOpen, setListOpen] = stored<boolean>("list-open", true);
export const [wrapCode, setWrapCode] = stored<boolean>("wrap-code", false);
