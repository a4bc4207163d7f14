/** What tells senders apart that have the same number or name. */
interface OnAccount {
  address: string;
  channel_id: string;
}

/** “ on Carrier”, where the number or name of the sender is on several accounts; nothing where it is on one. */
export function accountWords(
  sender: OnAccount,
  senders: OnAccount[],
  channels: { id: string; name: string }[],
): string {
  const isShared = senders.some(
    (each) => each.address === sender.address && each.channel_id !== sender.channel_id,
  );
  const account = channels.find((channel) => channel.id === sender.channel_id);
  return isShared && account !== undefined ? ` on ${account.name}` : '';
}
