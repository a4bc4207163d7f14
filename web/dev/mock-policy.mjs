// Canned answers about the policy and the rule books.

const day = 86_400_000;
const ago = (millis) => new Date(Date.now() - millis).toISOString();
const page = (data) => ({ data, next_cursor: null });

const law = (id, title, hours, frequency, basis, source) => ({
  id,
  version: '2026-11-01',
  place: id.toUpperCase().replace('.', '-'),
  title,
  hours,
  frequency,
  basis,
  source,
  effective_from: '2021-07-01',
  effective_until: null,
});

const florida = law(
  'us.fl',
  'Florida',
  'Every day 08:00–20:00',
  'at most 3 in 24 hours',
  'law',
  'Fla. Stat. 501.616(6)(a): 8 a.m. to 8 p.m., at most three in 24 hours',
);
const federal = law(
  'us.federal',
  'United States',
  'Every day 08:00–21:00',
  null,
  'law',
  '47 CFR 64.1200(c)(1)',
);

export const policyRoutes = [
  [
    'GET',
    /^\/policy$/,
    () => ({
      quiet_hours: { start: '21:00', end: '08:00' },
      quiet_spans: [{ days: ['sun'], start: '00:00', end: '24:00' }],
      caps: [{ messages: 3, period: 'week' }],
      at_cap: 'hold',
      at_quiet_hours: 'hold',
      label_caps: [],
      open_hours: 'Mon–Sat 08:00–21:00; Sun never',
    }),
  ],
  [
    'GET',
    /^\/rule-books$/,
    () =>
      page([
        {
          name: 'us',
          title: 'United States: hours and frequency of telemarketing',
          version: '2026-11-01',
          since: ago(20 * day),
          rules: [
            federal,
            florida,
            law(
              'us.tx',
              'Texas',
              'Mon–Sat 09:00–21:00; Sun 12:00–21:00',
              null,
              'law',
              'Tex. Bus. & Com. Code 301.051 and 302, texts included by SB 140',
            ),
          ],
        },
      ]),
  ],
  [
    'GET',
    /^\/contacts\/.+\/reachability$/,
    () => ({
      reach: 'hold',
      rule: 'legal_hours',
      reason:
        'Florida allows promotional texts Every day 08:00–20:00 (rule us.fl, version 2026-11-01), by the clock of America/New York',
      explanation: {
        law: 'us.fl',
        version: '2026-11-01',
        zone: 'America/New_York',
        cap: null,
        detail: null,
      },
      until: new Date(Date.now() + day / 2).toISOString(),
      deliver_by: null,
      place: 'US-FL',
      time_zones: ['America/New_York'],
      laws: [federal, florida],
      counted: [ago(day / 4)],
    }),
  ],
];
