import reactHooks from 'eslint-plugin-react-hooks';
import { readdirSync } from 'node:fs';
import tseslint from 'typescript-eslint';

const features = readdirSync(new URL('./src/features', import.meta.url));

const mantine = {
  group: ['@mantine/*'],
  message: 'Mantine is imported in src/ui only, so that a change of library touches one folder.',
};

const upperFloors = {
  group: ['@/features/*', '@/app/*'],
  message: 'api, live, ui and lib do not know the features built on them.',
};

/** A feature may use api, live, ui and lib; only src/app puts features together. */
const featureWalls = features.map((feature) => ({
  files: [`src/features/${feature}/**/*.{ts,tsx}`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          mantine,
          {
            group: [
              '@/app/*',
              ...features
                .filter((other) => other !== feature)
                .flatMap((other) => [`@/features/${other}`, `@/features/${other}/*`]),
            ],
            message: 'Features do not import each other or the app; compose them in src/app.',
          },
        ],
      },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'dev/shots', 'src/api/schema.d.ts'] },
  ...tseslint.configs.recommended,
  reactHooks.configs.flat['recommended-latest'],
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'no-restricted-globals': [
        'error',
        { name: 'confirm', message: 'Use ConfirmDialog from src/ui.' },
        { name: 'alert', message: 'Use notify from src/ui.' },
      ],
    },
  },
  {
    files: ['src/app/**/*.{ts,tsx}'],
    rules: { 'no-restricted-imports': ['error', { patterns: [mantine] }] },
  },
  {
    files: ['src/{api,live,lib}/**/*.{ts,tsx}'],
    rules: { 'no-restricted-imports': ['error', { patterns: [mantine, upperFloors] }] },
  },
  {
    files: ['src/ui/**/*.{ts,tsx}'],
    rules: { 'no-restricted-imports': ['error', { patterns: [upperFloors] }] },
  },
  ...featureWalls,
  {
    files: ['dev/**/*.mjs'],
    rules: { 'no-console': 'off' },
  },
);
