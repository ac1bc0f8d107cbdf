/**
 * A list of devices to choose from.
 */

/** Lists `devices` with `chosen` chosen. Browsers tell neither names nor ids before the seller has agreed. */
export function fillSelect(
  select: HTMLSelectElement,
  devices: readonly MediaDeviceInfo[],
  chosen: string | null,
  word: "Camera" | "Microphone",
): void {
  const known = devices.filter(({ deviceId }) => deviceId !== "");
  const wanted = known.map(({ deviceId, label }, index) =>
    option(deviceId, label || `${word} ${String(index + 1)}`, deviceId === chosen),
  );
  if (wanted.length === 0) wanted.push(option("", `No ${word.toLowerCase()}`, true));
  // Somebody may be about to choose from it: it changes only when the devices do.
  if (wanted.map(signature).join() !== Array.from(select.options, signature).join()) {
    select.replaceChildren(...wanted);
  }
  if (chosen !== null) select.value = chosen;
  else if (known.length > 0) select.selectedIndex = -1;
  select.disabled = known.length === 0;
}

function option(value: string, text: string, isChosen: boolean): HTMLOptionElement {
  return new Option(text, value, isChosen, isChosen);
}

const signature = ({ value, text }: HTMLOptionElement): string => `${value} ${text}`;
