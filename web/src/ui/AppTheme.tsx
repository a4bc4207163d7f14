import { MantineProvider, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import type { ReactNode } from 'react';
import './styles';
import { componentDefaults } from './defaults';
import { Toasts } from './notify';
import { theme } from './theme';

const merged = { ...theme, components: componentDefaults };

/**
 * The theme of the whole console. Variables and global classes come from our static stylesheet, so no
 * `<style>` element is written at run time and the page runs under `style-src 'self'`.
 */
export function AppTheme({ children }: { children: ReactNode }) {
  return (
    <MantineProvider
      theme={merged}
      defaultColorScheme="auto"
      withCssVariables={false}
      withGlobalClasses={false}
    >
      {children}
      <Toasts />
    </MantineProvider>
  );
}

export type Scheme = 'light' | 'dark' | 'auto';

export function useScheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const computed = useComputedColorScheme('light');
  return { chosen: colorScheme as Scheme, shown: computed, choose: setColorScheme };
}
