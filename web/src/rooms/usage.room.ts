import { lazy } from "solid-js";
import { IconUsage } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "usage",
  name: "room.usage",
  order: 90,
  icon: IconUsage,
  view: lazy(() => import("../usage/usage_room")),
};
