import "./styles/all.css";
import { render } from "solid-js/web";
import { App } from "./app";
import { watchServer } from "./state/server";
import { listenForShortcuts } from "./ui/keys";
import "./ui/theme";

watchServer();
listenForShortcuts();
render(() => <App />, document.body);
