// The rooms: a rail at the left, on a phone a bar at the foot with the first four and the rest behind "more".
import { For, Show } from "solid-js";
import { rooms } from "../rooms/rooms";
import type { Room } from "../rooms/room";
import { address, route } from "../state/route";
import { t } from "../words/words";
import { IconMore } from "./icons";
import { Mark } from "./mark";
import { Popover } from "./popover";

const onPhone = rooms.length > 5 ? 4 : 5;

export const Rail = () => (
  <nav class="rail" aria-label={t("rail")}>
    <Mark />
    <For each={rooms}>{(room, at) => <Door room={room} class={at() < onPhone ? "" : "only-wide"} />}</For>
    <Show when={rooms.length > onPhone}>
      <Popover class="door only-phone" label={t("more")} button={<IconMore />}>
        {(close) => (
          <div class="menu" onClick={close}>
            <For each={rooms.slice(onPhone)}>{(room) => <Door room={room} class="menu-item" />}</For>
          </div>
        )}
      </Popover>
    </Show>
  </nav>
);

const Door = (props: { room: Room; class: string }) => (
  <a class={`door ${props.class}`} href={address(props.room.id)} aria-current={route().room === props.room.id ? "page" : undefined} title={t(props.room.name)}>
    <props.room.icon />
    <span class="door-name">{t(props.room.name)}</span>
  </a>
);
