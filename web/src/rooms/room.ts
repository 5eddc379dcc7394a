import type { Component } from "solid-js";
import type { Word } from "../words/words";

/** One room of the rail. A file of this folder that exports one as `room` is all it takes to add it. */
export interface Room {
  id: string; // its address: #/id
  name: Word;
  order: number; // place in the rail
  icon: Component;
  view: Component; // lazy: a room is fetched when it is entered
}
