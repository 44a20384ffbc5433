use super::*;

/// Every sentence here was read and judged; a change of one is a change of what people see.
#[test]
fn says_it_in_plain_english() {
    for (text, sentence) in [
        ("0 3 * * *", "Every day at 03:00"),
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 22 * * 1-5", "Monday to Friday at 22:00"),
        ("30 4 1,15 * *", "On the 1st and 15th of every month at 04:30"),
        ("0 */2 * * *", "Every 2 hours"),
        ("* * * * *", "Every minute"),
        ("0 * * * *", "Every hour"),
        ("30 * * * *", "Every hour at minute 30"),
        ("15,45 * * * *", "Every 30 minutes from minute 15 of every hour"),
        ("0,30 * * * *", "Every 30 minutes"),
        ("5/10 * * * *", "Every 10 minutes from minute 5 of every hour"),
        ("*/7 * * * *", "Every 7 minutes from minute 0 to 56 of every hour"),
        (
            "1-9/2 * * * *",
            "Every 2 minutes from minute 1 to 9 of every hour",
        ),
        ("10-20 * * * *", "Every minute from minute 10 to 20 of every hour"),
        ("0,7,9 * * * *", "At minutes 0, 7 and 9 of every hour"),
        ("0 0,12 * * *", "Every day at 00:00 and 12:00"),
        ("0 9-11 * * *", "Every day at 09:00, 10:00 and 11:00"),
        (
            "0 9-17 * * 1-5",
            "Every hour from 09:00 to 17:00, Monday to Friday",
        ),
        (
            "30 9-17 * * 1-5",
            "Every hour from 09:30 to 17:30, Monday to Friday",
        ),
        (
            "*/15 9-17 * * mon-fri",
            "Every 15 minutes from 09:00 to 17:45, Monday to Friday",
        ),
        ("*/5 22-2 * * *", "Every 5 minutes from 22:00 to 02:55"),
        (
            "*/5 9,17 * * *",
            "Every 5 minutes from 09:00 to 09:55 and from 17:00 to 17:55",
        ),
        ("*/5 */2 * * *", "Every 5 minutes in every 2nd hour from 00 to 22"),
        ("10/15 8-10 * * *", "Every 15 minutes from 08:10 to 10:55"),
        ("* 3 * * *", "Every minute from 03:00 to 03:59"),
        ("* 9-17 * * *", "Every minute from 09:00 to 17:59"),
        ("0 */5 * * *", "Every 5 hours from 00:00 to 20:00"),
        ("30 */2 * * *", "Every 2 hours from 00:30"),
        ("0 1/2 * * *", "Every 2 hours from 01:00"),
        ("0 8-18/2 * * *", "Every 2 hours from 08:00 to 18:00"),
        ("0 */12 * * *", "Every 12 hours"),
        ("0 */24 * * *", "Every day at 00:00"),
        ("0 */8 * * *", "Every 8 hours"),
        ("0,30 9 * * *", "Every day at 09:00 and 09:30"),
        (
            "0,20,40 6,18 * * *",
            "Every day at 06:00, 06:20, 06:40, 18:00, 18:20 and 18:40",
        ),
        (
            "1,7,22 3,5,9-17 * * *",
            "At minutes 1, 7 and 22 of the hours 03, 05 and 09 to 17",
        ),
        (
            "0 1,2,4,8,16,22,23 * * *",
            "At 01:00, 02:00, 04:00, 08:00, 16:00, 22:00 and 23:00",
        ),
        ("0 0 1 1 *", "Every year on 1 January at 00:00"),
        ("@yearly", "Every year on 1 January at 00:00"),
        ("@monthly", "On the 1st of every month at 00:00"),
        ("@weekly", "Every Sunday at 00:00"),
        ("@daily", "Every day at 00:00"),
        ("@hourly", "Every hour"),
        (
            "0 0 1 */3 *",
            "On the 1st of January, April, July and October at 00:00",
        ),
        ("0 0 1 1,7 *", "On the 1st of January and July at 00:00"),
        ("0 6 * 6 *", "Every day in June at 06:00"),
        ("0 6 * 6-8 *", "Every day from June to August at 06:00"),
        ("0 9 * 6-8 1", "Every Monday from June to August at 09:00"),
        ("*/10 * * 6-8 *", "Every 10 minutes, from June to August"),
        ("*/10 * * jan,mar *", "Every 10 minutes, in January and March"),
        ("0 0 L * *", "On the last day of every month at 00:00"),
        (
            "0 0 LW * *",
            "On the last weekday (Monday to Friday) of every month at 00:00",
        ),
        (
            "0 0 15W * *",
            "On the weekday (Monday to Friday) nearest the 15th of every month at 00:00",
        ),
        (
            "0 0 L-3 * *",
            "On the 3rd day before the last day of every month at 00:00",
        ),
        (
            "0 0 L-1 * *",
            "On the day before the last day of every month at 00:00",
        ),
        (
            "0 0 1,15,L * *",
            "On the 1st, the 15th and the last day of every month at 00:00",
        ),
        (
            "0 0 1,15W,L-2,LW,L * *",
            "On the 1st, the weekday (Monday to Friday) nearest the 15th, the 2nd day before the last day, the last weekday (Monday to Friday) and the last day of every month at 00:00",
        ),
        ("0 0 * * 5L", "On the last Friday of every month at 00:00"),
        ("0 0 * * 1#2", "On the second Monday of every month at 00:00"),
        (
            "0 0 * * mon#1,mon#3",
            "On the first Monday and the third Monday of every month at 00:00",
        ),
        (
            "0 0 * * 1,5L",
            "Every Monday, and also on the last Friday of every month, at 00:00",
        ),
        (
            "0 0 13 * 5",
            "On the 13th of every month, and also every Friday, at 00:00",
        ),
        (
            "0 0 13 6 5",
            "Every year on 13 June, and also every Friday in June, at 00:00",
        ),
        (
            "0 0 */2 * 1",
            "On every 2nd day from the 1st to the 31st of every month, if it is a Monday, at 00:00",
        ),
        (
            "0 0 */2 * *",
            "On every 2nd day from the 1st to the 31st of every month at 00:00",
        ),
        (
            "0 0 */10 * *",
            "On every 10th day from the 1st to the 31st of every month at 00:00",
        ),
        (
            "0 0 1-7 * *",
            "Every day from the 1st to the 7th of every month at 00:00",
        ),
        (
            "0 0 1-7 * 1",
            "Every day from the 1st to the 7th of every month, and also every Monday, at 00:00",
        ),
        (
            "0 0 1-7,*/31 * 1",
            "Every day from the 1st to the 7th of every month, and also every Monday, at 00:00",
        ),
        ("0 0 * * 0", "Every Sunday at 00:00"),
        ("0 0 * * 7", "Every Sunday at 00:00"),
        ("0 0 * * 6,0", "Saturday and Sunday at 00:00"),
        ("0 0 * * fri-mon", "Friday to Monday at 00:00"),
        ("0 0 * * 1,3,5", "Monday, Wednesday and Friday at 00:00"),
        ("0 0 * * */2", "Tuesday, Thursday, Saturday and Sunday at 00:00"),
        ("0 0 ? * ?", "Every day at 00:00"),
        (
            "0 0 31 2 *",
            "Every year on 31 February at 00:00: never fires, there is no such date",
        ),
        ("0 0 29 2 *", "Every leap year on 29 February at 00:00"),
        ("0 0 30 2,4 *", "On the 30th of February and April at 00:00"),
        ("* * * * * *", "Every second"),
        ("*/10 * * * * *", "Every 10 seconds"),
        ("30 * * * * *", "Every minute at second 30"),
        ("15 30 4 * * *", "Every day at 04:30:15"),
        ("0 30 4 * * *", "Every day at 04:30"),
        ("5/10 * * * * *", "Every 10 seconds from second 5 of the minute"),
        (
            "*/7 * * * * *",
            "Every 7 seconds from second 0 to 56 of the minute",
        ),
        ("5,10 * * * * *", "At seconds 5 and 10 of the minute"),
        ("*/10 30 4 * * *", "Every 10 seconds from 04:30:00 to 04:30:50"),
        ("*/10 * 9-17 * * *", "Every 10 seconds from 09:00:00 to 17:59:50"),
        ("* * 4 * * *", "Every second from 04:00:00 to 04:59:59"),
        (
            "*/10 0,5 * * * *",
            "Every 10 seconds, in minutes 0 and 5 of every hour",
        ),
        (
            "*/10 */2 * * * *",
            "Every 10 seconds, in every 2nd minute from 0 to 58 of every hour",
        ),
        (
            "5,6,7,8 1,2 * * * *",
            "At seconds 5 to 8 of the minute, in minutes 1 and 2 of every hour",
        ),
        (
            "0 0 28-3 * *",
            "On the 1st to 3rd and 28th to 31st of every month at 00:00",
        ),
        ("0 0 * * 1-7", "Every day at 00:00"),
        ("0 0 1-31 * 1", "Every day at 00:00"),
        ("0 3 * * 1-5", "Monday to Friday at 03:00"),
        ("15 2,14 * * *", "Every day at 02:15 and 14:15"),
        ("0 9 1 1,7 *", "On the 1st of January and July at 09:00"),
        ("0 0 25 12 *", "Every year on 25 December at 00:00"),
        ("0 9 * * sat,sun", "Saturday and Sunday at 09:00"),
        (
            "*/15 9-17 * 1-3 1-5",
            "Every 15 minutes from 09:00 to 17:45, Monday to Friday from January to March",
        ),
        (
            "*/5 22-2 * * 1-5",
            "Every 5 minutes from 00:00 to 02:55 and from 22:00 to 23:55, Monday to Friday",
        ),
        (
            "0 22-2 * * *",
            "Every day at 00:00, 01:00, 02:00, 22:00 and 23:00",
        ),
        (
            "0 22-3 * * 1",
            "Every Monday at 00:00, 01:00, 02:00, 03:00, 22:00 and 23:00",
        ),
        (
            "0 0 1 * 1",
            "On the 1st of every month, and also every Monday, at 00:00",
        ),
        (
            "0 12 L * 5",
            "On the last day of every month, and also every Friday, at 12:00",
        ),
        (
            "0 0 1W 1 *",
            "On the weekday (Monday to Friday) nearest the 1st of January at 00:00",
        ),
        (
            "0 0 */2 * 1#1",
            "On every 2nd day from the 1st to the 31st of every month, if it is the first Monday of the month, at 00:00",
        ),
        (
            "0 0 5-9 6 *",
            "Every day from the 5th to the 9th of June at 00:00",
        ),
        ("0,1 0 * * *", "Every day at 00:00 and 00:01"),
        (
            "*/30 8,12 * * *",
            "Every 30 minutes from 08:00 to 08:30 and from 12:00 to 12:30",
        ),
        ("*/20 * * * 0", "Every 20 minutes, every Sunday"),
        ("30 0 0 * * 1", "Every Monday at 00:00:30"),
        ("0 */15 * * * *", "Every 15 minutes"),
        ("0 0 */6 * * *", "Every 6 hours"),
        (
            "0 0 1-5,10,20-25 * *",
            "On the 1st to 5th, 10th and 20th to 25th of every month at 00:00",
        ),
        ("0 0 */20 * *", "On the 1st and 21st of every month at 00:00"),
        ("0 10-16/3 * * *", "Every day at 10:00, 13:00 and 16:00"),
        ("59 23 31 12 *", "Every year on 31 December at 23:59"),
        ("* * 1 * *", "Every minute, on the 1st of every month"),
        ("* * * 2 *", "Every minute, in February"),
        (
            "0 0 L,1 * *",
            "On the 1st and the last day of every month at 00:00",
        ),
        ("1-59/2 * * * *", "Every 2 minutes from minute 1 of every hour"),
        (
            "0-30/10 * * * *",
            "Every 10 minutes from minute 0 to 30 of every hour",
        ),
        ("0 6-22 * * *", "Every hour from 06:00 to 22:00"),
        ("0 6,8,10 * * *", "Every day at 06:00, 08:00 and 10:00"),
        ("0 0-23/2 * * *", "Every 2 hours"),
        ("0 * 1 1 *", "Every hour, every year on 1 January"),
        (
            "*/2 3-5,9 * * *",
            "Every 2 minutes from 03:00 to 05:58 and from 09:00 to 09:58",
        ),
        ("5,35 9-17 * * *", "Every 30 minutes from 09:05 to 17:35"),
        ("7 */3 * * *", "Every 3 hours from 00:07"),
        ("0 1-23/7 * * *", "Every 7 hours from 01:00 to 22:00"),
    ] {
        assert_eq!(describe(&parse(text)), sentence, "{text}");
    }
}
