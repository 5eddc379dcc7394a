import { lazy } from "solid-js";
import { IconModels } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "models",
  name: "room.models",
  order: 80,
  icon: IconModels,
  view: lazy(() => import("../models/models_room")),
};
