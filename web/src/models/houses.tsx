// Accounts at other houses: seen, set, changed, taken away. Whoever may not manage the server sees none of it.
import { createResource, createSignal, For, Show, Suspense } from "solid-js";
import { refreshConfig } from "../state/server";
import { attempt } from "../ui/faults";
import { IconNew } from "../ui/icons";
import { HouseForm, titleOf } from "./house_form";
import { listAccounts, listHouses, putAccount, removeAccount, type Account, type House, type WantedAccount } from "./houses_data";
import { m } from "./words";

export function Houses() {
  const [found, { refetch }] = createResource(() => Promise.all([listAccounts(), listHouses()]).catch(() => undefined));
  const [form, setForm] = createSignal<Account | "new">();
  const changed = () => Promise.all([refetch(), refreshConfig()]);
  const save = async (wanted: WantedAccount) => {
    if (!(await attempt(() => putAccount(wanted)))) return;
    setForm(undefined);
    await changed();
  };
  return (
    <Suspense>
      <Show when={found.latest}>
        {(all) => (
          <>
            <header class="page-head">
              <h2 class="houses-title">{m("houses")}</h2>
              <button type="button" class="button" onClick={() => setForm("new")}><IconNew /> {m("add")}</button>
            </header>
            <section class="card houses" aria-label={m("houses")}>
              <p class="form-note">{all()[0].length ? m("houses_note") : `${m("houses_none")} ${m("houses_note")}`}</p>
              <For each={all()[0]}>{(one) => <Line account={one} house={all()[1].find((house) => house.name === one.house)} edit={() => setForm(one)} removed={() => void changed()} />}</For>
            </section>
            <Show when={form()} keyed>
              {(one) => <HouseForm houses={all()[1]} account={one === "new" ? undefined : one} close={() => setForm((now) => (now === one ? undefined : now))} save={(wanted) => void save(wanted)} />}
            </Show>
          </>
        )}
      </Show>
    </Suspense>
  );
}

function Line(props: { account: Account; house: House | undefined; edit: () => void; removed: () => void }) {
  const [sure, setSure] = createSignal(false);
  const account = () => props.account;
  const notes = () => [
    props.house ? titleOf(props.house) : account().house,
    account().keys.join(" ") || m("no_key"),
    account().models.length ? m("some_models", { n: account().models.length }) : m("all_models"),
    ...(account().base_url ? [account().base_url] : []),
    ...(account().enabled ? [] : [m("off")]),
  ];
  const remove = async () => {
    await attempt(() => removeAccount(account().name));
    props.removed();
  };
  return (
    <div class="house-line" classList={{ off: !account().enabled }}>
      <div class="house-what">
        <div class="model-id">{account().name}</div>
        <div class="form-note">{notes().join(" · ")}</div>
      </div>
      <button type="button" class="button" aria-label={m("edit", { name: account().name })} onClick={props.edit}>{m("edit_button")}</button>
      <button
        type="button"
        class="button"
        classList={{ danger: sure() }}
        aria-label={sure() ? m("sure") : m("drop", { name: account().name })}
        onBlur={() => setSure(false)}
        onClick={() => (sure() ? void remove() : setSure(true))}
      >
        {sure() ? m("sure") : m("drop_button")}
      </button>
    </div>
  );
}
