// Canned answers about senders, their registrations and what senders can do by country.
const day = 86_400_000;
const ago = (millis) => new Date(Date.now() - millis).toISOString();
const page = (items) => ({ data: items, next_cursor: null });

const registration = (id, kind, name, state, next, more = {}) => ({
  id,
  kind,
  name,
  country: null,
  parent_id: null,
  reference: null,
  state,
  details: {},
  note: null,
  submitted_at: state === 'draft' ? null : ago(9 * day),
  decided_at: null,
  expires_at: null,
  created_at: ago(12 * day),
  history: [
    { state: 'draft', note: null, actor: 'user', at: ago(12 * day) },
    ...(state === 'draft'
      ? []
      : [{ state, note: more.note ?? null, actor: 'user', at: ago(9 * day) }]),
  ],
  next,
  advice: 'Nothing to do.',
  segments_per_minute: null,
  segments_per_day: null,
  expected_at: null,
  ...more,
});

/** What most senders have. */
const usual = {
  sends_files: false,
  alphabet: 'any',
  route_by: null,
  routes: [],
  quiet_hours: { start: '00:00', end: '00:00' },
  quiet_spans: [],
};

export const senderRoutes = [
  [
    'GET',
    /^\/senders$/,
    () =>
      page([
        {
          id: 'snd_1',
          channel_id: 'chn_2',
          address: '+13055550100',
          kind: '10dlc',
          registration: 'active',
          countries: ['US'],
          registration_ids: ['reg_2'],
          is_two_way: true,
          ...usual,
          sends_files: true,
          segments_per_second: 1,
          fallback_id: 'snd_2',
          fallback_after_seconds: 300,
          readiness: [
            {
              country: 'US',
              ready: false,
              why: 'The campaign registration “Offers” is in review: sending to US needs it approved.',
              caution: null,
            },
          ],
        },
        {
          id: 'snd_2',
          channel_id: 'chn_2',
          address: 'ACME',
          kind: 'alphanumeric',
          registration: 'active',
          countries: ['DE', 'AT'],
          registration_ids: [],
          is_two_way: false,
          ...usual,
          segments_per_second: null,
          fallback_id: null,
          fallback_after_seconds: null,
          readiness: [
            { country: 'DE', ready: true, why: null, caution: null },
            { country: 'AT', ready: true, why: null, caution: null },
          ],
        },
      ]),
  ],
  [
    'GET',
    /^\/registrations$/,
    () =>
      page([
        registration('reg_1', 'brand', 'Acme Outdoor Inc.', 'approved', ['rejected', 'expired'], {
          decided_at: ago(8 * day),
        }),
        registration('reg_2', 'campaign', 'Offers', 'in_review', ['approved', 'rejected'], {
          parent_id: 'reg_1',
          advice: 'Nothing to do but wait for the decision.',
          expected_at: new Date(Date.now() + 12 * day).toISOString(),
        }),
        registration('reg_3', 'toll_free', 'Service line', 'rejected', ['draft', 'submitted'], {
          advice: 'Correct what the registry objected to and submit it again.',
          note: 'The opt-in form is not reachable.',
          decided_at: ago(2 * day),
        }),
      ]),
  ],
  [
    'GET',
    /^\/sender-pools$/,
    () =>
      page([
        {
          id: 'spl_1',
          name: 'Spring',
          sender_ids: ['snd_1', 'snd_2'],
          numbers: 1204,
          created_at: ago(3 * day),
        },
      ]),
  ],
  [
    'GET',
    /^\/sender-capabilities$/,
    () => ({
      title: 'Senders by country',
      version: '2026-11-26',
      rules: [
        {
          id: 'us.10dlc',
          kind: '10dlc',
          countries: ['US', 'PR'],
          from: [],
          delivery: 'as_is',
          two_way: true,
          needs: ['brand', 'campaign'],
          note: 'Carriers in the United States take numbers of ten digits from registered brands and campaigns only.',
          source: 'The Campaign Registry',
        },
        {
          id: 'us.alphanumeric',
          kind: 'alphanumeric',
          countries: ['US', 'PR', 'CA', 'CN'],
          from: [],
          delivery: 'refused',
          two_way: false,
          needs: [],
          note: 'Carriers of this country take no names as senders. Use a number.',
          source: 'AWS End User Messaging, Sender IDs',
        },
      ],
      mms: [
        {
          id: 'mms.us',
          kind: '10dlc',
          countries: ['US'],
          from: ['US'],
          note: 'Pictures and files go between numbers of the United States.',
          source: 'Twilio, MMS',
        },
      ],
    }),
  ],
];
