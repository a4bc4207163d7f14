import css from './mentions.module.css';
import { optionId, type MentionState } from './use-mentions';

/** The open list of colleagues above the note. */
export function MentionOptions({ state }: { state: MentionState }) {
  return (
    <ul
      className={css.options}
      id={state.listId}
      role="listbox"
      aria-label="Colleagues"
      data-testid="mention-options"
    >
      {state.options.map((each, index) => (
        <li
          key={each.id}
          id={optionId(state.listId, index)}
          role="option"
          aria-selected={index === state.active}
          aria-disabled={!each.can_see}
          onPointerEnter={() => state.setActive(index)}
          onMouseDown={(event) => {
            event.preventDefault();
            state.choose(each);
          }}
        >
          <strong>{each.name}</strong>
          <span>{each.can_see ? each.role : 'cannot see this conversation'}</span>
        </li>
      ))}
    </ul>
  );
}
