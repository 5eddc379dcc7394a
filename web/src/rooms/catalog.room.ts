import { lazy } from "solid-js";
import { IconCatalog } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "catalog",
  name: "room.catalog",
  order: 85,
  icon: IconCatalog,
  view: lazy(() => import("../catalog/catalog_room")),
};
