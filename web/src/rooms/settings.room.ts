import { lazy } from "solid-js";
import { IconSettings } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "settings",
  name: "room.settings",
  order: 100,
  icon: IconSettings,
  view: lazy(() => import("../settings/settings_room")),
};
