import { lazy } from "solid-js";
import { IconPrompts } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "prompts",
  name: "room.prompts",
  order: 50,
  icon: IconPrompts,
  view: lazy(() => import("../prompts/prompts_room")),
};
