// The folder is the list: every *.room.ts of it is a room.
import type { Room } from "./room";

const files = import.meta.glob<Room>("./*.room.ts", { eager: true, import: "room" });

export const rooms: Room[] = Object.values(files).sort((a, b) => a.order - b.order);
