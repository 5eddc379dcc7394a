// The address names the room and what is open in it: #/chat/ID. Hashes need nothing from the server.
import { createSignal } from "solid-js";

interface Route {
  room: string;
  id: string | null;
}

const parse = (): Route => {
  const [room, id] = location.hash.replace(/^#\/?/, "").split("/");
  return { room: room || "chat", id: id ? decodeURIComponent(id) : null };
};

const [route, setRoute] = createSignal(parse(), { equals: (a, b) => a.room === b.room && a.id === b.id });
export { route };

/** The browser tells of a new address some time after it is there; who acts on the address reads it anew first. */
export const settle = (): void => void setRoute(parse());
addEventListener("hashchange", settle);

export const address = (room: string, id?: string | null): string => `#/${room}${id ? `/${encodeURIComponent(id)}` : ""}`;

/** Changes the address without a step in the history. */
export function replace(room: string, id?: string | null): void {
  history.replaceState(null, "", address(room, id));
  settle();
}

export function go(room: string, id?: string | null): void {
  location.hash = address(room, id);
  settle();
}
