interface Entry {
  conversation: { state: string | null; assignee: string | null } | null;
}

/**
 * Entries, newest first, without changes after which nothing is otherwise for those who read them: somebody only read the
 * conversation, or gave it another priority.
 */
export function withoutEchoes<Of extends Entry>(entries: readonly Of[]): Of[] {
  return entries.filter(({ conversation }, index) => {
    if (!conversation) return true;
    const before = entries.slice(index + 1).find((entry) => entry.conversation)?.conversation;
    // A conversation begins open and without an agent.
    const { state, assignee } = before ?? { state: "OPEN", assignee: null };
    return conversation.state !== state || conversation.assignee !== assignee;
  });
}
