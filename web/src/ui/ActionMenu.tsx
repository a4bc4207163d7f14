import { Menu } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';

export interface MenuEntry {
  id: string;
  label: string;
  icon?: ReactNode;
  onSelect: () => void;
  tone?: 'plain' | 'danger';
  testId?: string;
}

interface ActionMenuProps {
  trigger: ReactElement;
  entries: MenuEntry[];
  header?: ReactNode;
  position?: 'bottom-end' | 'bottom-start' | 'top-start' | 'right-end';
}

export function ActionMenu({ trigger, entries, header, position = 'bottom-end' }: ActionMenuProps) {
  return (
    <Menu position={position} width={220} transitionProps={{ duration: 80 }}>
      <Menu.Target>{trigger}</Menu.Target>
      <Menu.Dropdown>
        {header !== undefined && <Menu.Label>{header}</Menu.Label>}
        {entries.map((entry) => (
          <Menu.Item
            key={entry.id}
            leftSection={entry.icon}
            onClick={entry.onSelect}
            {...(entry.tone === 'danger' ? { color: 'red' } : {})}
            {...(entry.testId === undefined ? {} : { 'data-testid': entry.testId })}
          >
            {entry.label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
