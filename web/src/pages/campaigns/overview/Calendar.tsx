import { Link } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { uuidOf } from "../../../api/ids";
import { Button, IconButton } from "../../../components/Button";
import { ChannelIcon } from "../../../components/Status";
import { useNow } from "../../../components/Time";
import { t } from "../../../texts";
import { dateTime, time } from "../../../texts/format";
import { campaignName } from "../parts/names";
import styles from "./Calendar.module.css";
import { type CampaignRow, channelsOf, momentOf } from "./CampaignsQuery";
import { fullDay, monthName, weekdayName } from "./calendarNames";
import { dayOf, firstWeekday, monthsLater, startOfMonth, weeksOf } from "./month";

interface CalendarProps {
  campaigns: readonly CampaignRow[];
  month: string | undefined;
  onMonth: (month: string | undefined) => void;
}

/** A month with what was sent and what is to come. Drafts have no day yet. */
export function Calendar({ campaigns, month, onMonth }: CalendarProps) {
  const now = useNow();
  const start = startOfMonth(month, now);
  const weeks = weeksOf(start, firstWeekday());
  const byDay = groupedByDay(campaigns);
  const today = dayOf(now);

  return (
    <div className={styles.calendar}>
      <div className={styles.bar}>
        <h2 aria-live="polite">{monthName(start)}</h2>
        <Button onClick={() => onMonth(undefined)}>{t("campaigns.thisMonth")}</Button>
        <IconButton
          label={t("campaigns.monthBefore")}
          icon={<ChevronLeft />}
          onClick={() => onMonth(monthsLater(start, -1))}
        />
        <IconButton
          label={t("campaigns.monthAfter")}
          icon={<ChevronRight />}
          onClick={() => onMonth(monthsLater(start, 1))}
        />
      </div>
      <table className={styles.month}>
        <thead>
          <tr>
            {weeks[0]?.map((day) => (
              <th key={day.getDay()} scope="col">
                {weekdayName(day)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {weeks.map((week) => (
            <tr key={dayOf(week[0] ?? start)}>
              {week.map((day) => {
                const found = byDay.get(dayOf(day)) ?? [];
                const isOutside = day.getMonth() !== start.getMonth();
                return (
                  <td
                    key={dayOf(day)}
                    data-outside={isOutside || undefined}
                    data-today={dayOf(day) === today || undefined}
                    data-empty={found.length === 0 || undefined}
                  >
                    <time dateTime={dayOf(day)} className={styles.day}>
                      <span className={styles.short} aria-hidden="true">
                        {day.getDate()}
                      </span>
                      <span className={styles.long}>{fullDay(day)}</span>
                    </time>
                    <ul>
                      {found
                        .toSorted((a, b) => momentOf(a).localeCompare(momentOf(b)))
                        .map((one) => (
                          <li key={one.id}>
                            <Entry campaign={one} />
                          </li>
                        ))}
                    </ul>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className={styles.note}>{t("campaigns.calendarNote")}</p>
    </div>
  );
}

function groupedByDay(campaigns: readonly CampaignRow[]): Map<string, CampaignRow[]> {
  const days = new Map<string, CampaignRow[]>();
  for (const campaign of campaigns) {
    if (campaign.state === "DRAFT") continue;
    const day = dayOf(new Date(momentOf(campaign)));
    days.set(day, [...(days.get(day) ?? []), campaign]);
  }
  return days;
}

function Entry({ campaign }: { campaign: CampaignRow }) {
  const [channel] = channelsOf(campaign);
  const at = momentOf(campaign);
  const name = campaignName(campaign);
  return (
    <Link
      to="/campaigns/$campaignId"
      params={{ campaignId: uuidOf(campaign.id) }}
      className={styles.entry}
      data-state={campaign.state}
      title={`${name} · ${dateTime(at)}${campaign.state ? ` · ${t(`campaigns.state.${campaign.state}`)}` : ""}`}
    >
      {channel ? <ChannelIcon channel={channel} /> : null}
      <bdi>{name}</bdi>
      <span className={styles.time}>{time(at)}</span>
    </Link>
  );
}
