import type { KeyboardEvent, ReactNode } from 'react';
import css from './css/table.module.css';

export interface TableColumn<T> {
  key: string;
  title: string;
  render: (row: T) => ReactNode;
  align?: 'start' | 'end';
  width?: string;
  /** Left out on narrow screens. */
  priority?: 'always' | 'wide';
}

interface DataTableProps<T> {
  label: string;
  columns: TableColumn<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  onOpen?: (row: T) => void;
  rowTestId?: string;
}

/** A plain table; a row that opens something can be reached and opened by keyboard. */
export function DataTable<T>({
  label,
  columns,
  rows,
  rowKey,
  onOpen,
  rowTestId,
}: DataTableProps<T>) {
  return (
    <div className={css.scroll} tabIndex={0} role="region" aria-label={label}>
      <table className={css.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                data-align={column.align}
                data-priority={column.priority}
                style={column.width === undefined ? undefined : { width: column.width }}
              >
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              data-testid={rowTestId}
              {...(onOpen === undefined
                ? {}
                : {
                    className: css.opens,
                    tabIndex: 0,
                    onClick: () => onOpen(row),
                    onKeyDown: (event: KeyboardEvent) => {
                      if (event.key === 'Enter' && event.target === event.currentTarget)
                        onOpen(row);
                    },
                  })}
            >
              {columns.map((column) => (
                <td key={column.key} data-align={column.align} data-priority={column.priority}>
                  {column.render(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
