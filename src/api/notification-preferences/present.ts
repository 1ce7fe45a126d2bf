import type { PreferencesView } from '../../commands/notificationPreferences.ts';

export const presentPreferences = ({ preferences, version }: PreferencesView) => ({
  preferences: preferences.map(({ event, email, in_app, mandatory }) => ({
    event,
    email,
    in_app,
    mandatory,
  })),
  version,
});
