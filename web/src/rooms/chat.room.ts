import { lazy } from "solid-js";
import { IconChat } from "../ui/icons";
import type { Room } from "./room";

export const room: Room = {
  id: "chat",
  name: "room.chat",
  order: 10,
  icon: IconChat,
  view: lazy(() => import("../chat/chat_room")),
};
